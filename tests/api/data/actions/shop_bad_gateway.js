// SPDX-License-Identifier: MIT
//# A page instead of JSON
//@ auth {"base_url": "$BASE/shop"}
//> {"status": 502, "json": null, "title": "Bad gateway"}
const r = await ld.request({ url: `${data.auth.base_url}/html` });
return { status: r.status, json: r.json, title: /<h1>(.*?)<\/h1>/.exec(r.text)?.[1] };

//# A page instead of JSON, in the reference's dialect
//@ like
const response = await fetch(`${secrets.base_url}/html`);
const text = await response.text();
let json = null;
try {
    json = JSON.parse(text);
} catch (e) {
    if (!(e instanceof SyntaxError)) throw e;
}
return { status: response.status, json, title: text.match(/<h1>(.*?)<\/h1>/)[1] };
