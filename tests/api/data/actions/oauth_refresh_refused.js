// SPDX-License-Identifier: MIT
//# A refresh that is refused shows the provider's words
//@ kind "refreshToken"
//@ env {"CLIENT_ID": "client-1", "CLIENT_SECRET": "client-secret"}
//@ auth {"token_url": "$BASE/oauth/token", "refresh_token": "stolen"}
//@ input {"refresh_token": "stolen", "refreshToken": "stolen"}
//! throw: The code or token is not valid
const body = new URLSearchParams();
body.set('grant_type', 'refresh_token');
body.set('refresh_token', data.input.refreshToken ?? data.auth.refresh_token);
body.set('client_id', env.CLIENT_ID);
body.set('client_secret', env.CLIENT_SECRET);
const r = await ld.request({ method: 'POST', url: data.auth.token_url, headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: body.toString() });
if (!r.ok) throw new Error(r.json.error_description || r.json.error);
return r.json;

//# A refresh that is refused shows the provider's words, in the reference's dialect
//@ like
const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: secrets.refresh_token, client_id: env.CLIENT_ID, client_secret: env.CLIENT_SECRET });
const response = await fetch(secrets.token_url, { method: 'POST', body });
const answer = await response.json();
if (!response.ok) throw new Error(answer.error_description ?? answer.error);
return answer;
