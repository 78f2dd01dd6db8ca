// SPDX-License-Identifier: MIT
//# A service account signs its own assertion
//@ auth {"client_email": "robot@project.example.org", "private_key": "$KEY", "token_uri": "$BASE/oauth/jwt"}
//> {"access_token": "for robot@project.example.org", "expires_in": 3600}
const now = Math.floor(Date.now() / 1000);
const base64url = (text) => Buffer.from(text).toString('base64').replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
const header = base64url(JSON.stringify({ alg: 'RS256', typ: 'JWT' }));
const claims = base64url(JSON.stringify({ iss: data.auth.client_email, aud: data.auth.token_uri, iat: now, exp: now + 3600 }));
const { signature } = ld.signWithRS256(`${header}.${claims}`, data.auth.private_key, { encoding: 'base64' });
const assertion = `${header}.${claims}.${signature.replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')}`;
const response = await ld.request({
    method: 'POST',
    url: data.auth.token_uri,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion },
});
return response.json;
