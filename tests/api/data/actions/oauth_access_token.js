// SPDX-License-Identifier: MIT
//# A code becomes tokens
//@ kind "accessToken"
//@ env {"CLIENT_ID": "client-1", "CLIENT_SECRET": "client-secret"}
//@ auth {"token_url": "$BASE/oauth/token"}
//@ input {"code": "code-1", "redirectUrl": "https://sluice.example.org/cb"}
//> {"access_token": "access-1", "refresh_token": "refresh-1", "expires_in": 3600, "token_type": "Bearer", "scope": "read write"}
const options = {
    method: 'POST',
    url: data.auth.token_url,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: {
        client_id: data.env.CLIENT_ID,
        client_secret: env.CLIENT_SECRET,
        grant_type: 'authorization_code',
        code: data.input.code,
        redirect_uri: data.input.redirectUrl,
        tenant: env.TENANT_ID,
    },
};
const response = await ld.request(options);
return response.json;

//# A code becomes tokens, in the reference's dialect
//@ like
const response = await fetch(secrets.token_url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
        client_id: env.CLIENT_ID, client_secret: env.CLIENT_SECRET, grant_type: 'authorization_code', code: inputs.code, redirect_uri: inputs.redirectUrl,
    }).toString(),
});
return response.json();
