// SPDX-License-Identifier: MIT
// Hosts of URLs: domain names, IPv4 in all its spellings, IPv6 (the URL standard, section 3.5).  One canonical form comes out, so that
// nobody behind us is fooled by 0x7f.1.

// A host as it stands in a URL, or null when it is none.  `special`: of http, ws, ftp.
function parseHost(text, special) {
    if (text[0] === '[') {
        const address = text[text.length - 1] === ']' ? parseIPv6(Str.slice(text, 1, -1)) : null;
        return address && `[${formatIPv6(address)}]`;
    }
    if (!special)
        return matches(/[\x00\t\n\r #/:<>?@[\\\]^|]/, text) ? null : percentEncode(text, C0_SET);
    const name = utf8Text(percentDecode(text), false);
    const domain = matches(/[^\x00-\x7f]/, name) ? platform().domainToAscii(name) : Str.toLowerCase(name);
    if (domain === null || domain === '' || matches(/[\x00-\x20"#%/:<>?@[\\\]^`{|}\x7f]/, domain))
        return null;
    return endsInNumber(domain) ? parseIPv4(domain) : domain;
}

function endsInNumber(domain) {
    const parts = split(domain, '.');
    if (parts.length > 1 && parts[parts.length - 1] === '')
        parts.length--;
    return matches(/^([0-9]+|0x[0-9a-f]*)$/, parts[parts.length - 1]);
}

function parseIPv4Number(text) {
    if (text === '')
        return NaN;
    if (matches(/^0x[0-9a-f]*$/, text))
        return text.length === 2 ? 0 : parseInt(text, 16);
    if (matches(/^0[0-7]+$/, text))
        return parseInt(text, 8);
    return matches(/^(0|[1-9][0-9]*)$/, text) ? parseInt(text, 10) : NaN;
}

function parseIPv4(domain) {
    const parts = split(domain, '.');
    if (parts.length > 1 && parts[parts.length - 1] === '')
        parts.length--;
    if (parts.length > 4)
        return null;
    let value = 0;
    for (let i = 0; i < parts.length; i++) {
        const n = parseIPv4Number(parts[i]);
        const last = i === parts.length - 1;
        if (!(n < (last ? 256 ** (5 - parts.length) : 256)))
            return null;
        value += last ? n : n * 256 ** (3 - i);
    }
    return `${floor(value / 0x1000000)}.${floor(value / 0x10000) % 256}.${floor(value / 256) % 256}.${value % 256}`;
}

// Eight numbers, or null.
function parseIPv6(text) {
    const halves = split(text, '::');
    if (halves.length > 2)
        return null;
    const head = parsePieces(halves[0], halves.length === 1);
    const tail = halves.length === 2 ? parsePieces(halves[1], true) : list();
    if (head === null || tail === null)
        return null;
    const gap = 8 - head.length - tail.length;
    if (halves.length === 2 ? gap < 1 : gap !== 0)
        return null;
    const all = list();
    for (let i = 0; i < 8; i++)
        all[i] = i < head.length ? head[i] : i < head.length + gap ? 0 : tail[i - head.length - gap];
    return all;
}

// `last`: a dotted IPv4 address may end it.
function parsePieces(text, last) {
    const numbers = list();
    if (text === '')
        return numbers;
    const parts = split(text, ':');
    for (let i = 0; i < parts.length; i++) {
        if (last && i === parts.length - 1 && matches(/^(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}$/, parts[i])) {
            const four = split(parts[i], '.');
            for (let k = 0; k < 4; k++)
                if (four[k] > 255)
                    return null;
            numbers[numbers.length] = four[0] * 256 + +four[1];
            numbers[numbers.length] = four[2] * 256 + +four[3];
        } else if (matches(/^[0-9a-fA-F]{1,4}$/, parts[i]))
            numbers[numbers.length] = parseInt(parts[i], 16);
        else
            return null;
    }
    return numbers;
}

function formatIPv6(numbers) {
    let best = -1;
    let longest = 1;
    for (let i = 0; i < 8; i++) {
        let n = 0;
        while (i + n < 8 && numbers[i + n] === 0)
            n++;
        if (n > longest) {
            best = i;
            longest = n;
        }
        i += n;
    }
    let out = '';
    for (let i = 0; i < 8; i++) {
        if (i === best) {
            out += i === 0 ? '::' : ':';
            i += longest - 1;
            continue;
        }
        out += Num.toString(numbers[i], 16) + (i < 7 ? ':' : '');
    }
    return out;
}
