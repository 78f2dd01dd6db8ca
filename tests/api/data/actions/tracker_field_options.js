// SPDX-License-Identifier: MIT
//# Options of a field for a form
//@ auth {"base_url": "$BASE/tracker", "apiKey": "tracker-token"}
//> [{"label": "VPN down", "value": "1"}, {"label": "Printer jam", "value": "2"}, {"label": "VPN slow", "value": "3"}]
const { json } = await ld.request({ url: `${data.auth.base_url}/issues`, headers: { Authorization: `Bearer ${data.auth.apiKey}` } });
return json.map((i) => ({ label: i.title, value: String(i.id) }));

//# Options of a field for a form, in the reference's dialect
//@ like
const response = await fetch(`${secrets.base_url}/issues`, { headers: { Authorization: `Bearer ${secrets.apiKey}` } });
return (await response.json()).map(({ id, title }) => ({ label: title, value: `${id}` }));
