// SPDX-License-Identifier: MIT
// The object `ld`: what scripts of this platform have beside the language.

const WAIT_MAX = 30000;

async function wait(ms) {
    if (typeof ms !== 'number' || !(ms >= 0 && ms <= WAIT_MAX))
        throw new RangeError(`ld.wait takes 0 to ${WAIT_MAX} milliseconds`);
    return sleep(ms);
}

// One cell: quoted when it has to be; objects as JSON.
function csvCell(v) {
    if (v === undefined || v === null)
        return '';
    const text = isObject(v) ? csvObject(v) : `${v}`;
    return matches(/[",\r\n]/, text) ? `"${replaceAll(text, /"/g, () => '""')}"` : text;
}

function csvObject(v) {
    const text = stringify(v);
    return text !== undefined && text[0] === '"' ? `${parse(text)}` : `${text}`;
}

// A line of names, then one of each object; the columns are all keys in the order they come up.
async function json2csv(rows) {
    if (!isArray(rows))
        throw new TypeError('ld.json2csv needs an array of objects');
    const columns = list();
    const seen = record({});
    for (let i = 0; i < rows.length; i++) {
        if (!isObject(rows[i]))
            throw new TypeError(`ld.json2csv needs an array of objects; element ${i} is ${inspect(rows[i])}`);
        const keys = Object_keys(rows[i]);
        for (let k = 0; k < keys.length; k++)
            if (!seen[keys[k]]) {
                seen[keys[k]] = true;
                columns[columns.length] = keys[k];
            }
    }
    const lines = list();
    lines[0] = csvLine(columns.length, (c) => columns[c]);
    for (let i = 0; i < rows.length; i++)
        lines[i + 1] = csvLine(columns.length, (c) => ownValue(rows[i], columns[c]));
    return Arr.join(lines, '\n');
}

function csvLine(n, cell) {
    const cells = list();
    for (let c = 0; c < n; c++)
        cells[c] = csvCell(cell(c));
    return Arr.join(cells, ',');
}

// A key pasted as one line often has \n as two characters.
const pemOf = (key) => replaceAll(`${key}`, /\\r\\n|\\n/g, () => '\n');

function signWithRS256(input, key, options = undefined) {
    if (typeof input !== 'string' && !isBytes(input))
        throw new TypeError('ld.signWithRS256 needs a text to sign');
    if (typeof key !== 'string' || key === '')
        throw new TypeError('ld.signWithRS256 needs a private key in PEM form');
    const encoding = options && options.encoding !== undefined ? options.encoding : 'base64';
    if (encoding !== 'base64' && encoding !== 'hex')
        throw new TypeError('ld.signWithRS256: encoding must be "base64" or "hex"');
    const signature = signRS256(pemOf(key), typeof input === 'string' ? utf8(input) : bytesOf(input, 'sign'));
    return fresh({ signature: encoding === 'hex' ? toHex(signature) : toBase64(signature, false) });
}

const unavailable = (name) => async () => {
    throw new Error(`ld.${name} is not available on this server`);
};

const makeLd = () =>
    fresh({
        request, log: logger('log'), wait, json2csv, signWithRS256,
        awsRequest: async (options) => platform().awsRequest(options),
        validateSqlQuery: (sql) => platform().validateSqlQuery(sql),
        ensureReadOnlySqlQuery: (sql) => platform().ensureReadOnlySqlQuery(sql),
        csv2parquet: unavailable('csv2parquet'), parquet2csv: unavailable('parquet2csv'),
        arrow2parquet: unavailable('arrow2parquet'),
    });
