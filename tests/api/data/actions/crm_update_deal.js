// SPDX-License-Identifier: MIT
//# Change a deal with the version that was read; both spellings of the field
//@ auth {"base_url": "$BASE/crm", "api_key": "crm-key"}
//@ input {"dealId": "d2"}
//@ aliases {"deal_id": "dealId"}
//> {"version": 2, "etag": "\"2\"", "conflict": "version is old"}
const put = (version) =>
    ld.request({
        method: 'PUT',
        url: `${data.auth.base_url}/deals/${data.input.deal_id}`,
        headers: { 'X-API-Key': data.auth.api_key, 'If-Match': `"${version}"` },
        body: { stage: 'won' },
    });
const first = await put(1);
const second = await put(1);
return { version: first.json.version, etag: first.headers.etag, conflict: second.json.error.message };

//# Change a deal with the version that was read, in the reference's dialect
//@ like
async function put(version) {
    const response = await fetch(`${secrets.base_url}/deals/${inputs.deal_id}`, {
        method: 'PUT',
        headers: new Headers({ 'x-api-key': secrets.api_key, 'if-match': `"${version}"`, 'content-type': 'application/json' }),
        body: JSON.stringify({ stage: 'won' }),
    });
    return [await response.json(), response.headers.get('ETag')];
}
const [{ version }, etag] = await put(1);
const [{ error }] = await put(1);
return { version, etag, conflict: error.message };
