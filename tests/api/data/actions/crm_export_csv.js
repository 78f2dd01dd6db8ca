// SPDX-License-Identifier: MIT
//# Export deals as a CSV file
//@ auth {"base_url": "$BASE/crm", "api_key": "crm-key"}
//@ file {"deals.csv": 88}
//> {"success": true, "rows": 3, "files": {"fileName": "deals.csv", "mimeType": "text/csv", "size": 88}}
const r = await ld.request({
    method: 'POST',
    url: `${data.auth.base_url}/deals/search`,
    headers: { 'X-API-Key': data.auth.api_key },
    body: { filter: { field: 'stage', value: 'won' } },
});
const csv = await ld.json2csv(r.json.results);
return { success: true, rows: r.json.results.length, files: { fileName: 'deals.csv', mimeType: 'text/csv', text: csv } };
