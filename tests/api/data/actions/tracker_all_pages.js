// SPDX-License-Identifier: MIT
//# All issues over pages that are linked in a header
//@ auth {"base_url": "$BASE/tracker", "apiKey": "tracker-token"}
//> {"pages": 3, "titles": ["VPN down", "Printer jam", "VPN slow", "New laptop", "Password reset", "VPN certificate", "Broken chair"]}
let url = `${data.auth.base_url}/issues?per_page=3`;
const titles = [];
let pages = 0;
while (url && pages < 20) {
    const r = await ld.request({ url, headers: { authorization: `Bearer ${data.auth.apiKey}` } });
    titles.push(...r.json.map((i) => i.title));
    pages += 1;
    const next = /<([^>]+)>;\s*rel="next"/.exec(r.headers.link || '');
    url = next ? next[1] : null;
}
return { pages, titles };

//# All issues over pages that are linked in a header, in the reference's dialect
//@ like
const titles = [];
let pages = 0;
for (let next = new URL('issues?per_page=3', secrets.base_url + '/'); next && pages < 20; pages++) {
    const response = await fetch(next, { headers: { Authorization: `Bearer ${secrets.apiKey}` } });
    for (const { title } of await response.json()) titles.push(title);
    const link = response.headers.get('link')?.match(/<([^>]+)>;\s*rel="next"/);
    next = link && new URL(link[1]);
}
return { pages, titles };
