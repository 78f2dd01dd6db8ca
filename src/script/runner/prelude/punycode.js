// SPDX-License-Identifier: MIT
// Host names beyond ASCII: RFC 3492 after Unicode normalisation, as far as UTS 46 matters to a caller of public services.

// RFC 3492 section 6.1
function adaptBias(delta, points, first) {
    let d = first ? floor(delta / 700) : delta >> 1;
    let k = 0;
    for (d += floor(d / points); d > 455; k += 36)
        d = floor(d / 35);
    return k + floor((36 * d) / (d + 38));
}

const punyDigit = (d) => fromCharCode(d < 26 ? 97 + d : 22 + d);

// One label; section 6.3.
function punycode(label) {
    const points = list();
    for (let i = 0; i < label.length; i += points[points.length - 1] > 0xffff ? 2 : 1)
        points[points.length] = Str.codePointAt(label, i);
    let out = '';
    for (let i = 0; i < points.length; i++)
        if (points[i] < 0x80)
            out += fromCharCode(points[i]);
    const basic = out.length;
    if (basic > 0)
        out += '-';
    let n = 0x80;
    let delta = 0;
    let bias = 72;
    for (let done = basic; done < points.length; ) {
        let next = 0x110000;
        for (let i = 0; i < points.length; i++)
            if (points[i] >= n && points[i] < next)
                next = points[i];
        delta += (next - n) * (done + 1);
        n = next;
        for (let i = 0; i < points.length; i++) {
            if (points[i] < n)
                delta++;
            if (points[i] !== n)
                continue;
            out += punyInteger(delta, bias);
            bias = adaptBias(delta, done + 1, done === basic);
            delta = 0;
            done++;
        }
        delta++;
        n++;
    }
    return out;
}

function punyInteger(value, bias) {
    let out = '';
    let q = value;
    for (let k = 36; ; k += 36) {
        const t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
        if (q < t)
            return out + punyDigit(q);
        out += punyDigit(t + ((q - t) % (36 - t)));
        q = floor((q - t) / (36 - t));
    }
}

// A domain in ASCII, lower case; null when it cannot be one.
function domainToAscii(domain) {
    const ignored = /[\u00ad\u200b\u2060\ufeff\ufe00-\ufe0f]/g;
    const dots = /[\u3002\uff0e\uff61]/g;
    const folded = Str.toLowerCase(Str.normalize(replaceAll(replaceAll(domain, ignored, () => ''), dots, () => '.'), 'NFKC'));
    if (folded !== Str.toWellFormed(folded) || matches(/[\ufffd\u2024\u2025\u2026\u200c-\u200f\u202a-\u202e]/, folded))
        return null;
    const labels = split(Str.normalize(folded, 'NFC'), '.');
    for (let i = 0; i < labels.length; i++) {
        if (matches(/[^\x00-\x7f]/, labels[i]))
            labels[i] = `xn--${punycode(labels[i])}`;
        if (labels[i].length > 63)
            return null;
    }
    return Arr.join(labels, '.');
}
