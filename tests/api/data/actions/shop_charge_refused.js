// SPDX-License-Identifier: MIT
//# A refusal as a soft error, with URLSearchParams
//@ auth {"base_url": "$BASE/shop", "secret": "sk_test"}
//> {"error": true, "code": "amount_too_small"}
const r = await fetch(`${secrets.base_url}/charges`, {
    method: 'POST',
    headers: { Authorization: 'Basic ' + btoa(secrets.secret + ':') },
    body: new URLSearchParams({ amount: 0 }),
});
const answer = await r.json();
return r.ok ? answer : { error: true, code: answer.error.code };

//# A refusal as a soft error, in the guides' dialect
//@ like
const r = await ld.request({
    method: 'POST',
    url: `${data.auth.base_url}/charges`,
    headers: { Authorization: 'Basic ' + Buffer.from(data.auth.secret + ':').toString('base64'), 'Content-Type': 'application/x-www-form-urlencoded' },
    body: { amount: 0 },
});
return r.status === 200 ? r.json : { error: true, code: r.json.error.code };
