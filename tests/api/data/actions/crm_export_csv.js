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

//# Export deals as a CSV file, in the reference's dialect
//@ like
const response = await fetch(`${secrets.base_url}/deals/search`, {
    method: 'POST',
    headers: { 'X-API-Key': secrets.api_key, 'Content-Type': 'application/json' },
    body: JSON.stringify({ filter: { field: 'stage', value: 'won' } }),
});
const { results } = await response.json();
const cell = (v) => (/[",\n]/.test(String(v)) ? `"${String(v).replace(/"/g, '""')}"` : String(v));
const columns = Object.keys(results[0]);
const csv = [columns, ...results.map((row) => columns.map((c) => row[c]))].map((row) => row.map(cell).join(',')).join('\n');
return { success: true, rows: results.length, files: { fileName: 'deals.csv', mimeType: 'text/csv', text: csv } };
