// SPDX-License-Identifier: MIT
//# Pay by a form with nested fields and Basic authentication
//@ auth {"base_url": "$BASE/shop", "secret": "sk_test"}
//@ input {"amount": 12.5}
//> {"id": "ch_1", "amount": 1250, "metadata": {"order": "A 1", "by": "ä&b"}}
const r = await ld.request({
    method: 'POST',
    url: `${data.auth.base_url}/charges`,
    headers: { Authorization: `Basic ${Buffer.from(`${data.auth.secret}:`).toString('base64')}`, 'Content-Type': 'application/x-www-form-urlencoded' },
    body: { amount: Math.round(data.input.amount * 100), currency: 'eur', metadata: { order: 'A 1', by: 'ä&b' } },
});
if (!r.ok) throw new Error(r.json.error.message);
return r.json;

//# Pay by a form with nested fields, in the reference's dialect
//@ like
const form = new URLSearchParams({ amount: Math.round(inputs.amount * 100), currency: 'eur' });
for (const [key, value] of Object.entries({ order: 'A 1', by: 'ä&b' })) form.append(`metadata[${key}]`, value);
const response = await fetch(`${secrets.base_url}/charges`, { method: 'POST', headers: { Authorization: `Basic ${btoa(`${secrets.secret}:`)}` }, body: form });
const answer = await response.json();
if (!response.ok) throw new Error(answer.error.message);
return answer;
