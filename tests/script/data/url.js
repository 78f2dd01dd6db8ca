// SPDX-License-Identifier: MIT
// URL and URLSearchParams.

//# the parts of an address
//> ["https:", "u", "p", "example.org:8080", "example.org", "8080", "/a/b", "?q=1", "#f", "https://example.org:8080"]
const u = new URL('https://u:p@example.org:8080/a/b?q=1#f');
return [u.protocol, u.username, u.password, u.host, u.hostname, u.port, u.pathname, u.search, u.hash, u.origin];

//# addresses are brought to one form
//> ["http://example.org/", "https://example.org/", "http://example.org/a%20b", "http://example.org/?a%20b", "http://example.org/b", "http://example.org/", "http://example.org/a/", "http://example.org/%C3%A4?%C3%B6#%C3%BC", "http://example.org/x", "http://example.org/", "http://example.org/a%7Bb%7D?{c}"]
return ['HTTP://EXAMPLE.org:80', 'https://example.org:443/', 'http://example.org/a b', 'http://example.org?a b', 'http://example.org/a/../b',
    'http://example.org/../..', 'http://example.org/a/b/%2e%2E/', 'http://example.org/ä?ö#ü', '  http://example.org\\x\n', 'http:\\\\example.org', 'http://example.org/a{b}?{c}'].map((s) => new URL(s).href);

//# relative references
//> ["http://h/a/c", "http://h/c", "http://h/a/b?x", "http://h/a/b?q#z", "http://o/p", "http://h/a/", "http://h/", "http://h/a/b?q", "https://x/", "http://h/a/g;x=1/y"]
return ['c', '/c', '?x', '#z', '//o/p', '.', '..', '', 'https://x', 'g;x=1/./y'].map((s) => new URL(s, 'http://h/a/b?q').href);

//# IPv4 addresses in every spelling
//> ["127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "192.168.0.1", "1.0.0.2", "0.0.0.0"]
return ['127.0.0.1', '2130706433', '0x7f.1', '017700000001', '127.0.0.1.', '0xc0a80001', '1.2', '0'].map((h) => new URL(`http://${h}/`).hostname);

//# IPv6 addresses
//> ["[::1]", "[::]", "[::ffff:7f00:1]", "[2001:db8::1:0:0:1]", "[fe80::1]", "[1:2:3:4:5:6:7:8]"]
return ['[::1]', '[0:0:0:0:0:0:0:0]', '[::ffff:127.0.0.1]', '[2001:DB8:0:0:1:0:0:1]', '[fe80::1]', '[1:2:3:4:5:6:7:8]'].map((h) => new URL(`http://${h}/`).hostname);

//# what is no address throws
//> []
const bad = ['', 'example.org', 'http://', 'http://a b/', 'http://[::1', 'http://[1:2]/', 'http://1.2.3.256/', 'http://1.2.3.4.5/', 'http://0x100000000/',
    'http://h:99999/', 'http://h:x/', 'http://exa%23mple/', 'http://a<b/', '//x', 'http://h:80:80/', 'http://[::1]x/', 'http://%zz/', 'http://\u200b/'];
return bad.filter((s) => URL.canParse(s));

//# host names beyond ASCII become Punycode
//> ["xn--mnchen-3ya.example", "xn--fsqu00a.xn--0zwm56d", "xn--bcher-kva.ch", "example.org", "xn--wgv71a119e.jp", "faq.example", "xn--strae-oqa.de"]
return ['münchen.example', '例子.测试', 'BÜCHER.ch', 'ｅｘａｍｐｌｅ。org', '日本語.jp', 'FAQ.example', 'straße.de'].map((h) => new URL(`http://${h}/`).hostname);

//# other schemes
//> ["mailto:a@b", "data:,x y", "urn:a:b", "file:///etc/passwd", "null", "foo://h/a", "blob:x", "javascript:alert(1)"]
return [new URL('mailto:a@b').href, new URL('data:,x y').href, new URL('urn:a:b').href, new URL('file:///etc/passwd').href, new URL('data:,x').origin,
    new URL('foo://h/a').href, new URL('blob:x').href, new URL('javascript:alert(1)').href];

//# setters
//> "https://me:se%40cret@other.org:81/x%20y?k=v#top"
const u = new URL('http://example.org/');
u.protocol = 'https'; u.host = 'other.org:81'; u.username = 'me'; u.password = 'se@cret'; u.pathname = '/x y'; u.search = 'k=v'; u.hash = 'top';
return u.href;

//# setters that cannot be obeyed change nothing
//> "http://h:81/"
const u = new URL('http://h:81/');
u.protocol = 'mailto'; u.port = 'x'; u.port = '99999'; u.hostname = 'a b'; u.host = '';
return u.href;

//# the port of the scheme is left out
//> ["", "8443", "https://h/"]
const u = new URL('https://h:443/');
const before = u.port;
u.port = 8443;
const then = u.port;
u.port = '443';
return [before, then, u.href];

//# searchParams and search follow each other
//> ["http://h/?a=1&b=2", "http://h/", "3"]
const u = new URL('http://h/?a=1');
u.searchParams.append('b', 2);
const first = u.href;
u.searchParams.delete('a');
u.searchParams.delete('b');
const second = u.href;
u.search = '?c=3';
return [first, second, u.searchParams.get('c')];

//# URLs become texts
//> ["http://h/", "\"http://h/\"", "x http://h/", "[object URL]"]
const u = new URL('http://h');
return [String(u), JSON.stringify(u), `x ${u}`, Object.prototype.toString.call(u)];

//# URL.parse and URL.canParse do not throw
//> [null, "http://h/", true, false]
return [URL.parse('x'), URL.parse('http://h').href, URL.canParse('a', 'http://h'), URL.canParse('a')];

//# a query is read and written as forms are
//> ["a+b=c%26d&e=%C3%A4&f=", "c d", ["1", "2"], null, true, 3]
const p = new URLSearchParams({ 'a b': 'c&d', e: 'ä', f: '' });
return [p.toString(), new URLSearchParams('x=c+d').get('x'), new URLSearchParams('?x=1&x=2').getAll('x'), p.get('zz'), p.has('e'), p.size];

//# URLSearchParams from pairs, maps and each other
//> ["a=1&a=2", "k=v", "a=1&a=2"]
const p = new URLSearchParams([['a', '1'], ['a', '2']]);
return [`${p}`, `${new URLSearchParams(new Map([['k', 'v']]))}`, `${new URLSearchParams(p)}`];

//# set, sort, delete with a value, iteration
//> ["a=9&b=2", "a=1&b=0&b=2", "a=1", [["b", "2"], ["b", "0"], ["a", "1"]], ["b", "b", "a"], "b2 b0 a1 "]
const set = new URLSearchParams('a=1&b=2&a=3');
set.set('a', 9);
const sorted = new URLSearchParams('b=0&a=1&b=2');
sorted.sort();
const cut = new URLSearchParams('a=1&a=2');
cut.delete('a', '2');
const p = new URLSearchParams('b=2&b=0&a=1');
let text = '';
p.forEach((v, k) => { text += `${k}${v} `; });
return [`${set}`, `${sorted}`, `${cut}`, [...p], [...p.keys()], text];

//# broken escapes are read as they are
//> ["%zz", "�", "%"]
const get = (q) => new URLSearchParams(q).get('a');
return [get('a=%zz'), get('a=%ff'), get('a=%')];

//# a path of many dots does not go above the root
//> "http://h/x"
return new URL('http://h/' + '../'.repeat(500) + 'x').href;
