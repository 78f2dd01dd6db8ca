// SPDX-License-Identifier: MIT
//# The address that a user is sent to
//@ kind "authorization"
//@ env {"CLIENT_ID": "client-1"}
//@ auth {"subdomain": "acme"}
//@ input {"scope": "read%20write", "redirectUrl": "https://sluice.example.org/oauth/integrations/callback", "state": "s-1"}
//> "https://acme.example.org/authorize?client_id=client-1&response_type=code&scope=read%20write&redirect_uri=https%3A%2F%2Fsluice.example.org%2Foauth%2Fintegrations%2Fcallback&state=s-1&prompt=consent"
return `https://${data.auth.subdomain}.example.org/authorize?client_id=${env.CLIENT_ID}&response_type=code&scope=${data.input.scope}` +
       `&redirect_uri=${encodeURIComponent(data.input.redirectUrl)}&state=${data.input.state}&prompt=consent`;
