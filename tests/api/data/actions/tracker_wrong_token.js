// SPDX-License-Identifier: MIT
//# A soft error when the token is wrong
//@ auth {"base_url": "$BASE/tracker", "apiKey": "old-token"}
//> {"error": true, "message": "Please reconnect: bad token"}
const r = await ld.request({ url: `${data.auth.base_url}/issues`, headers: { Authorization: `Bearer ${data.auth.apiKey}` } });
if (r.status === 401) return { error: true, message: `Please reconnect: ${r.json.error.message}` };
return r.json;

//# A soft error when the token is wrong, in the reference's dialect
//@ like
const response = await fetch(`${secrets.base_url}/issues`, { headers: { Authorization: `Bearer ${secrets.apiKey}` } });
const answer = await response.json();
return response.status === 401 ? { error: true, message: `Please reconnect: ${answer.error.message}` } : answer;
