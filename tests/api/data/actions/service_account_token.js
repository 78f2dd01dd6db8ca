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

//# A service account signs its own assertion, in the reference's dialect
//@ like
const now = Math.floor(Date.now() / 1000);
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const signed = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ iss: secrets.client_email, aud: secrets.token_uri, iat: now, exp: now + 3600 })}`;
const der = Buffer.from(secrets.private_key.replace(/\\n/g, '').replace(/-----[^-]+-----|\s/g, ''), 'base64');
const key = await crypto.subtle.importKey('pkcs8', der, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, false, ['sign']);
const signature = Buffer.from(await crypto.subtle.sign('RSASSA-PKCS1-v1_5', key, new TextEncoder().encode(signed))).toString('base64url');
const response = await fetch(secrets.token_uri, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: `${signed}.${signature}` }),
});
return response.json();
