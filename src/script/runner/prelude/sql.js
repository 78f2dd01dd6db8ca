// SPDX-License-Identifier: MIT
// ld.validateSqlQuery and ld.ensureReadOnlySqlQuery.
//
// The dialect of the database is not known, and what is a text or a comment in one is code in another.  The query is therefore
// read under every combination of the rules that differ and occur in it, and refused when it is bad under any.

const SQL_MAX = 200000;

// Rules that differ between dialects; `found` says whether the rule matters for a text at all.
const SQL_RULES = [
    record({ name: 'backslash', found: /\\/ }), // \' inside a text does not end it (MySQL)
    record({ name: 'hash', found: /#/ }), // # begins a comment (MySQL)
    record({ name: 'dollar', found: /\$[A-Za-z_0-9]*\$/ }), // $tag$ … $tag$ is a text (PostgreSQL)
    record({ name: 'strictDash', found: /--[^\x00-\x20]/ }), // -- needs a blank after it to begin a comment (MySQL)
    record({ name: 'nested', found: /\/\*/ }), // comments nest (PostgreSQL)
    record({ name: 'backtick', found: /`/ }), // `name` (MySQL)
    record({ name: 'bracket', found: /\[/ }), // [name] (SQL Server)
];

// Where the quoted text that begins at `at` ends (behind the quote), or the length when it never does.
function endOfQuoted(sql, at, close, backslash) {
    for (let i = at + 1; i < sql.length; i++) {
        if (backslash && sql[i] === '\\' && close !== ']')
            i++;
        else if (sql[i] === close && sql[i + 1] === close)
            i++;
        else if (sql[i] === close)
            return i + 1;
    }
    return sql.length;
}

function endOfComment(sql, at, nested) {
    let depth = 1;
    for (let i = at + 2; i < sql.length; i++) {
        const two = sql[i] + (sql[i + 1] || '');
        if (two === '*/') {
            i++;
            if (--depth === 0)
                return i + 1;
        } else if (two === '/*' && nested) {
            i++;
            depth++;
        }
    }
    return sql.length;
}

function endOfLine(sql, at) {
    const end = Str.indexOf(sql, '\n', at);
    return end < 0 ? sql.length : end;
}

// Where what begins at `at` and is not code ends; `at` itself when it is code.
function skipSql(sql, at, rules) {
    const c = sql[at];
    const next = sql[at + 1];
    if (c === "'" || c === '"' || (c === '`' && rules.backtick))
        return endOfQuoted(sql, at, c, rules.backslash && c !== '`');
    if (c === '[' && rules.bracket)
        return endOfQuoted(sql, at, ']', false);
    if (c === '-' && next === '-' && !(rules.strictDash && at + 2 < sql.length && sql[at + 2] > ' '))
        return endOfLine(sql, at);
    if (c === '#' && rules.hash)
        return endOfLine(sql, at);
    if (c === '/' && next === '*' && sql[at + 2] !== '!' && sql[at + 2] !== '+')
        return endOfComment(sql, at, rules.nested);
    if (c === '$' && rules.dollar) {
        const tag = exec(/^\$(?:[A-Za-z_][A-Za-z_0-9]*)?\$/, Str.slice(sql, at, at + 80));
        if (tag) {
            const end = Str.indexOf(sql, tag[0], at + tag[0].length);
            return end < 0 ? sql.length : end + tag[0].length;
        }
    }
    return at;
}

// The code of the query with texts and comments blanked.
function sqlCode(sql, rules) {
    const parts = list();
    let from = 0;
    for (let at = 0; at < sql.length; ) {
        const end = skipSql(sql, at, rules);
        if (end === at) {
            at++;
            continue;
        }
        parts[parts.length] = Str.slice(sql, from, at) + ' ';
        at = from = end;
    }
    parts[parts.length] = Str.slice(sql, from);
    return Arr.join(parts, '');
}

// Calls check(code) for every reading of the query.
function everyReading(sql, check) {
    const open = list();
    for (let i = 0; i < SQL_RULES.length; i++)
        if (matches(SQL_RULES[i].found, sql))
            open[open.length] = SQL_RULES[i].name;
    for (let bits = 0; bits < 2 ** open.length; bits++) {
        const rules = record({});
        for (let i = 0; i < open.length; i++)
            rules[open[i]] = (bits & (1 << i)) !== 0;
        check(sqlCode(sql, rules));
    }
}

const afterTrim = (code) => Str.trim(trimEnds(Str.trim(code), (c) => c === 0x3b || c <= 0x20));

function validateSqlQuery(sql) {
    if (typeof sql !== 'string' || Str.trim(sql) === '')
        throw new Error('The SQL query is empty');
    if (sql.length > SQL_MAX)
        throw new Error('The SQL query is too long');
    everyReading(sql, (code) => {
        const statement = afterTrim(code);
        if (statement === '')
            throw new Error('The SQL query is empty');
        if (Str.indexOf(statement, ';') >= 0)
            throw new Error('The SQL query has more than one statement');
    });
}

const SQL_WRITES = new RegExp(
    '\\b(insert|update|delete|merge|upsert|drop|alter|create|truncate|grant|revoke|call|exec|execute|do|into|copy|lock|' +
        'vacuum|attach|detach|pragma|load|handler|rename|reindex|refresh|comment|begin|commit|rollback|savepoint|' +
        'pg_sleep|pg_read_file|pg_write_file|lo_import|lo_export|load_file|dblink|xp_cmdshell|openrowset|' +
        'nextval|setval|set_config|pg_terminate_backend|pg_cancel_backend)\\b', 'i');

function ensureReadOnlySqlQuery(sql) {
    validateSqlQuery(sql);
    everyReading(sql, (code) => {
        const statement = afterTrim(code);
        if (!matches(/^[\s(]*(select|with)\b/i, statement))
            throw new Error('Only SELECT queries are allowed');
        if (Str.indexOf(statement, '/*') >= 0)
            throw new Error('Comments that a database executes are not allowed in a read-only query');
        const write = exec(SQL_WRITES, statement);
        if (write)
            throw new Error(`${Str.toUpperCase(write[1])} is not allowed in a read-only query`);
    });
}
