// SPDX-License-Identifier: MIT
//# Delete an issue: the answer has no body
//@ auth {"base_url": "$BASE/tracker", "apiKey": "tracker-token"}
//@ input {"issue_id": "7"}
//> {"status": 204, "json": null, "text": "", "gone": 404}
const call = (method) => ld.request({ method, url: `${data.auth.base_url}/issues/${encodeURIComponent(data.input.issue_id)}`, headers: { Authorization: 'Bearer ' + data.auth.apiKey } });
const { status, json, text } = await call('DELETE');
return { status, json, text, gone: (await call('GET')).status };

//# Delete an issue: the answer has no body, in the reference's dialect
//@ like
const call = (method) => fetch(new URL(`issues/${encodeURIComponent(inputs.issue_id)}`, `${secrets.base_url}/`), { method, headers: { Authorization: 'Bearer ' + secrets.apiKey } });
const deleted = await call('DELETE');
return { status: deleted.status, json: null, text: await deleted.text(), gone: (await call('GET')).status };
