// SPDX-License-Identifier: MIT
//# A table in an old charset
//@ auth {"base_url": "$BASE/files"}
//> [{"id": "1", "name": "Müller"}, {"id": "2", "name": "Ada"}]
const { text } = await ld.request({ url: `${data.auth.base_url}/rows.csv`, responseType: 'text' });
const [head, ...rows] = text.split('\n').map((l) => l.split(';'));
return rows.map((row) => Object.fromEntries(head.map((k, i) => [k, row[i]])));
