// SPDX-License-Identifier: MIT
//# A soft error when the token is wrong
//@ auth {"base_url": "$BASE/tracker", "apiKey": "old-token"}
//> {"error": true, "message": "Please reconnect: bad token"}
const r = await ld.request({ url: `${data.auth.base_url}/issues`, headers: { Authorization: `Bearer ${data.auth.apiKey}` } });
if (r.status === 401) return { error: true, message: `Please reconnect: ${r.json.error.message}` };
return r.json;
