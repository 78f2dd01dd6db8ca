// SPDX-License-Identifier: MIT
//# A table in an old charset
//@ auth {"base_url": "$BASE/files"}
//> [{"id": "1", "name": "Müller"}, {"id": "2", "name": "Ada"}]
const { text } = await ld.request({ url: `${data.auth.base_url}/rows.csv`, responseType: 'text' });
const [head, ...rows] = text.split('\n').map((l) => l.split(';'));
return rows.map((row) => Object.fromEntries(head.map((k, i) => [k, row[i]])));

//# A table in an old charset, in the reference's dialect
//@ like
const response = await fetch(`${secrets.base_url}/rows.csv`);
const text = new TextDecoder('iso-8859-1').decode(await response.arrayBuffer());
const [head, ...rows] = text.split('\n').map((line) => line.split(';'));
return rows.map((row) => Object.fromEntries(row.map((value, i) => [head[i], value])));
