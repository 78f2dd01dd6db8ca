// SPDX-License-Identifier: MIT
//# Find issues by text, in the guides' dialect
//@ auth {"base_url": "$BASE/tracker", "apiKey": "tracker-token"}
//@ input {"query": "vpn"}
//> {"count": 3, "issues": [{"id": 1, "title": "VPN down"}, {"id": 3, "title": "VPN slow"}, {"id": 6, "title": "VPN certificate"}]}
// name = Find issues
// description = Searches the issue tracker by text
// query = What to look for
const options = {
    method: 'GET',
    url: `${data.auth.base_url}/issues`,
    headers: { Authorization: 'Bearer ' + data.auth.apiKey, Accept: 'application/json' },
    params: { q: data.input.query, state: data.input.state, per_page: data.input.max_results || 50 },
    body: null,
};
const response = await ld.request(options);
if (response.status !== 200) {
    return { error: true, message: `The tracker answered with ${response.status}` };
}
ld.log('found', response.json.length);
const data2 = response.json;
return { count: data2.length, issues: data2.map(({ id, title }) => ({ id, title })) };

//# Find issues by text, in the reference's dialect
//@ like
const url = new URL(`${secrets.base_url}/issues`);
url.search = new URLSearchParams({ q: inputs.query, per_page: inputs.max_results ?? 50 });
const response = await fetch(url, { headers: { Authorization: `Bearer ${secrets.apiKey}`, Accept: 'application/json' } });
if (!response.ok) return { error: true, message: `The tracker answered with ${response.status}` };
const found = await response.json();
console.log('found', found.length);
return { count: found.length, issues: found.map(({ id, title }) => ({ id, title })) };
