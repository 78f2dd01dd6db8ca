// SPDX-License-Identifier: MIT
//# A webhook that is signed with HMAC
//@ auth {"url": "$BASE/hooks/in", "secret": "hook-secret"}
//> {"status": 202, "received": "ticket.created"}
const body = JSON.stringify({ event: 'ticket.created', id: 5 });
const encoder = new TextEncoder();
const key = await crypto.subtle.importKey('raw', encoder.encode(data.auth.secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
const mac = new Uint8Array(await crypto.subtle.sign('HMAC', key, encoder.encode(body)));
const signature = Array.from(mac, (b) => b.toString(16).padStart(2, '0')).join('');
const r = await ld.request({ method: 'POST', url: data.auth.url, headers: { 'Content-Type': 'application/json', 'X-Signature': `sha256=${signature}` }, body });
return { status: r.status, received: r.json.received };

//# A webhook that is signed with HMAC, in the reference's dialect
//@ like
const body = JSON.stringify({ event: 'ticket.created', id: 5 });
const bytes = (text) => new TextEncoder().encode(text);
const key = await crypto.subtle.importKey('raw', bytes(secrets.secret), { name: 'HMAC', hash: { name: 'SHA-256' } }, false, ['sign', 'verify']);
const mac = await crypto.subtle.sign('HMAC', key, bytes(body));
if (!(await crypto.subtle.verify('HMAC', key, mac, bytes(body)))) throw new Error('It does not verify');
const response = await fetch(secrets.url, { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Signature': `sha256=${Buffer.from(mac).toString('hex')}` }, body });
return { status: response.status, received: (await response.json()).received };
