// SPDX-License-Identifier: MIT
//# A trigger without a time filter: the last hour's deals are told again, and the server knows them
//@ kind "trigger"
//@ auth {"base_url": "$BASE/crm", "api_key": "crm-key"}
//@ input {"stage": "won"}
//@ last_poll "2026-02-02T00:00:00.000Z"
//> [{"id": "d1:1", "timestamp": "2026-02-02T00:00:00.000Z", "data": {"deal": "d1", "amount": 100}}, {"id": "d3:1", "timestamp": "2026-02-02T00:00:00.000Z", "data": {"deal": "d3", "amount": 300}}, {"id": "d5:1", "timestamp": "2026-02-02T00:00:00.000Z", "data": {"deal": "d5", "amount": 500}}]
const { json } = await ld.request({
    method: 'POST',
    url: `${data.auth.base_url}/deals/search`,
    headers: { 'X-API-Key': data.auth.api_key },
    body: { filter: { field: 'stage', value: data.input.stage } },
});
return json.results.map((d) => ({ id: `${d.id}:${d.version}`, timestamp: lastPollTime, data: { deal: d.id, amount: d.amount } }));

//# A trigger without a time filter, in the reference's dialect
//@ like
const response = await fetch(`${secrets.base_url}/deals/search`, {
    method: 'POST',
    headers: { 'X-API-Key': secrets.api_key, 'Content-Type': 'application/json' },
    body: JSON.stringify({ filter: { field: 'stage', value: inputs.stage } }),
});
const { results } = await response.json();
return results.map(({ id, version, amount }) => ({ id: [id, version].join(':'), timestamp: lastPollTime, data: { deal: id, amount } }));
