// SPDX-License-Identifier: MIT
//# Create an issue
//@ auth {"base_url": "$BASE/tracker", "apiKey": "tracker-token"}
//@ input {"title": "Café closed ☕", "labels": "food, urgent"}
//> {"success": true, "id": 8, "url": "$BASE/tracker/issues/8", "labels": ["food", "urgent"]}
const response = await ld.request({
    method: 'POST',
    url: `${data.auth.base_url}/issues`,
    headers: { Authorization: `Bearer ${data.auth.apiKey}`, 'Content-Type': 'application/json' },
    body: { title: data.input.title, labels: (data.input.labels || '').split(',').map((s) => s.trim()).filter(Boolean) },
});
if (response.status !== 201) throw new Error(response.json?.error?.message || response.text);
return { success: true, id: response.json.id, url: response.headers.location, labels: response.json.labels };
