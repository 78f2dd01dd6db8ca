// SPDX-License-Identifier: MIT
//# The tracker's own message is the error
//@ auth {"base_url": "$BASE/tracker", "apiKey": "tracker-token"}
//! throw: title is missing (422)
const r = await fetch(`${secrets.base_url}/issues`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${secrets.apiKey}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ title: inputs.title }),
});
if (!r.ok) throw new Error(`${(await r.json()).error.message} (${r.status})`);
return r.json();

//# The tracker's own message is the error, in the guides' dialect
//@ like
const r = await ld.request({
    method: 'POST',
    url: `${data.auth.base_url}/issues`,
    headers: { Authorization: `Bearer ${data.auth.apiKey}` },
    body: { title: data.input.title },
});
if (r.status !== 201) throw new Error(`${r.json.error.message} (${r.status})`);
return r.json;
