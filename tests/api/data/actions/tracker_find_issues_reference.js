// SPDX-License-Identifier: MIT
//# Find issues by text, in the reference's dialect
//@ auth {"base_url": "$BASE/tracker", "token": "tracker-token"}
//@ input {"query": "laptop"}
//> [{"id": 4, "title": "New laptop", "state": "open", "created": "2026-02-04T09:00:00.000Z", "labels": []}]
const url = new URL(secrets.base_url + '/issues');
url.searchParams.set('q', inputs.query);
const response = await fetch(url, { headers: { Authorization: `Bearer ${secrets.token}` } });
if (!response.ok) {
    throw new Error(`HTTP ${response.status}: ${await response.text()}`);
}
console.log(response.headers.get('x-total'));
return response.json();
