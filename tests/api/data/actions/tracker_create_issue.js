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

//# Create an issue, in the reference's dialect
//@ like
const { title, labels = '' } = inputs;
const response = await fetch(`${secrets.base_url}/issues`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${secrets.apiKey}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ title, labels: labels.split(/\s*,\s*/).filter(Boolean) }),
});
const issue = await response.json();
if (response.status !== 201) throw new Error(issue.error.message);
return { success: true, id: issue.id, url: response.headers.get('Location'), labels: issue.labels };
