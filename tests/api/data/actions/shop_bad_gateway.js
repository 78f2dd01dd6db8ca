// SPDX-License-Identifier: MIT
//# A page instead of JSON
//@ auth {"base_url": "$BASE/shop"}
//> {"status": 502, "json": null, "title": "Bad gateway"}
const r = await ld.request({ url: `${data.auth.base_url}/html` });
return { status: r.status, json: r.json, title: /<h1>(.*?)<\/h1>/.exec(r.text)?.[1] };
