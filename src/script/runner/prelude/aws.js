// SPDX-License-Identifier: MIT
// ld.awsRequest: ld.request with AWS Signature Version 4 (docs.aws.amazon.com, "Create a signed AWS API request").
//
// The time of the signature is that of the header X-Amz-Date when the script sends one, else now.

const UNRESERVED = /[^A-Za-z0-9._~-]+/g;
const awsEncode = (text) => replaceAll(text, UNRESERVED, (m) => percentBytes(m[0]));

const sha256Hex = (bytes) => toHex(digest('sha256', bytes));
const hmacText = (key, text) => hmac('sha256', key, utf8(text));

// Segments encoded once more than they stand in the address, except for S3, whose keys may be any text.
function canonicalPath(u, service) {
    const segments = list();
    for (let i = 0; i < u.path.length; i++) {
        const segment = u.path[i];
        if (service === 's3')
            segments[segments.length] = awsEncode(utf8Text(percentDecode(segment), false));
        else if (segment !== '' || i === u.path.length - 1)
            segments[segments.length] = awsEncode(segment);
    }
    return `/${Arr.join(segments, '/')}`;
}

// Names and values decoded, encoded the one right way, and sorted.
function canonicalQuery(query) {
    if (query === null || query === '')
        return '';
    const parts = split(query, '&');
    const pairs = list();
    for (let i = 0; i < parts.length; i++) {
        if (parts[i] === '')
            continue;
        const eq = Str.indexOf(parts[i], '=');
        const name = eq < 0 ? parts[i] : Str.slice(parts[i], 0, eq);
        const value = eq < 0 ? '' : Str.slice(parts[i], eq + 1);
        const plain = (text) => awsEncode(utf8Text(percentDecode(text), false));
        pairs[pairs.length] = pair(plain(name), plain(value));
    }
    const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    Arr.sort(pairs, (a, b) => order(a.name, b.name) || order(a.value, b.value));
    for (let i = 0; i < pairs.length; i++)
        pairs[i] = `${pairs[i].name}=${pairs[i].value}`;
    return Arr.join(pairs, '&');
}

const UNSIGNED = record({ authorization: 1, 'user-agent': 1, host: 1 }); // the host is added by us

// {names, text}: every header is signed, but those that are changed on the way.
function canonicalHeaders(pairs, host) {
    const signed = keep(pairs, (p) => !UNSIGNED[p.name] && !OURS[p.name]);
    signed[signed.length] = pair('host', host);
    Arr.sort(signed, (a, b) => (a.name < b.name ? -1 : 1));
    const names = list();
    let text = '';
    for (let i = 0; i < signed.length; i++) {
        names[i] = signed[i].name;
        text += `${signed[i].name}:${replaceAll(Str.trim(signed[i].value), / +/g, () => ' ')}\n`;
    }
    return record({ names: Arr.join(names, ';'), text });
}

// "20150830T123600Z"
const awsTime = (date) => replaceAll(Str.slice(Dates.toISOString(date), 0, 19), /[-:]/g, () => '') + 'Z';

function readCredentials(options) {
    const given = options.credentials;
    if (!isObject(given) || typeof given.accessKeyId !== 'string' || typeof given.secretAccessKey !== 'string')
        throw new TypeError('ld.awsRequest: credentials must have accessKeyId and secretAccessKey');
    if (typeof options.region !== 'string' || typeof options.service !== 'string' || !options.region || !options.service)
        throw new TypeError('ld.awsRequest: region and service must be texts');
    if (!matches(/^[A-Za-z0-9_-]+$/, options.region) || !matches(/^[A-Za-z0-9_-]+$/, options.service))
        throw new TypeError('ld.awsRequest: region and service have letters, digits and dashes only');
    return given;
}

// Adds the headers of the signature to `wanted`, what call() will send.
function signAws(wanted, credentials, region, service) {
    const { headers, u } = wanted;
    const hash = sha256Hex(wanted.body === undefined ? utf8('') : wanted.body);
    const time = headerOf(headers, 'x-amz-date') || awsTime(new Date());
    if (!matches(/^[0-9]{8}T[0-9]{6}Z$/, time))
        throw new TypeError('ld.awsRequest: the header X-Amz-Date must look like 20260131T120000Z');
    setPair(headers, 'x-amz-date', time);
    if (service === 's3' && headerOf(headers, 'x-amz-content-sha256') === null)
        setPair(headers, 'x-amz-content-sha256', hash);
    if (typeof credentials.sessionToken === 'string' && credentials.sessionToken !== '')
        setPair(headers, 'x-amz-security-token', headerValue('x-amz-security-token', credentials.sessionToken));
    const signed = canonicalHeaders(headers, hostText(u));
    const payload = headerOf(headers, 'x-amz-content-sha256') || hash;
    const canonical =
        `${wanted.method}\n${canonicalPath(u, service)}\n${canonicalQuery(u.query)}\n${signed.text}\n${signed.names}\n${payload}`;
    const scope = `${Str.slice(time, 0, 8)}/${region}/${service}/aws4_request`;
    const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256Hex(utf8(canonical))}`;
    const dayKey = hmacText(utf8(`AWS4${credentials.secretAccessKey}`), Str.slice(time, 0, 8));
    const key = hmacText(hmacText(hmacText(dayKey, region), service), 'aws4_request');
    const value = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signed.names}, Signature=`;
    setPair(headers, 'authorization', headerValue('authorization', value + toHex(hmacText(key, text))));
}

async function awsRequest(options) {
    const wanted = readOptions(options);
    const credentials = readCredentials(options);
    signAws(wanted, credentials, options.region, options.service);
    return answerObject(await call(wanted), wanted.how);
}
