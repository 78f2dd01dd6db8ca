/* SPDX-License-Identifier: MIT */
/*
 * A PostgreSQL connection: libpq in pipeline mode, waited for in fibers.
 *
 * Everything goes through pg_exchange(): statements are prepared once a connection, sent together, and followed by one Sync,
 * so that they are one transaction and one round trip.  After a failure on the wire, or when a waiting fiber gives up, the
 * connection is marked broken and never used again.
 */
#include "db/postgres_internal.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

enum { STATEMENTS_MAX = 512, OID_INT8 = 20, OID_TEXT = 25, OID_FLOAT8 = 701 };
#define SHIELD_TIME SECONDS(60)

typedef struct {
    char name[16];
    enum { UNKNOWN, SENT, READY } state;
} pg_statement;

/* Connecting. */

static void ignore_notice(void *arg, const char *message)
{
    (void)arg;
    (void)message;
}

static void trim_message(const PGconn *pq, char *why, size_t why_size)
{
    str text = str_trim(str_of(PQerrorMessage(pq)));

    for (size_t i = 0; i < text.len; i++) /* libpq reports on several lines, one an address tried */
        if (text.p[i] == '\n')
            text.len = i;
    snprintf(why, why_size, "PostgreSQL: %.*s", STR_ARG(text));
}

PGconn *pg_connect(const char *url, char *why, size_t why_size)
{
    static const char *const names[] = {"connect_timeout",
                                        "application_name",
                                        "keepalives_idle",
                                        "tcp_user_timeout",
                                        "dbname",
                                        "client_encoding",
                                        NULL};
    const char *const values[] = {"10", "sluice", "30", "30000", url, "UTF8", NULL};
    PGconn *pq = PQconnectdbParams(names, values, 1);
    PGresult *r;

    PQsetNoticeProcessor(pq, ignore_notice, NULL);
    if (PQstatus(pq) != CONNECTION_OK) {
        trim_message(pq, why, why_size);
        PQfinish(pq);
        return NULL;
    }
    r = PQexec(pq, "SET statement_timeout = 60000; SET lock_timeout = 20000; SET standard_conforming_strings = on");
    if (PQresultStatus(r) != PGRES_COMMAND_OK || !cstr_eq(PQparameterStatus(pq, "server_encoding"), "UTF8")) {
        snprintf(why, why_size, "PostgreSQL: the database must have the encoding UTF8");
        PQclear(r);
        PQfinish(pq);
        return NULL;
    }
    PQclear(r);
    return pq;
}

pg_connection *pg_connection_new(PGconn *pq)
{
    pg_connection *c = mem_zalloc(1, sizeof *c);

    c->pq = pq;
    c->statements = map_new();
    c->poll.data = c;
    if (PQsetnonblocking(pq, 1) == 0 && PQenterPipelineMode(pq) == 1 &&
        uv_poll_init_socket(loop_uv(loop_self()), &c->poll, PQsocket(pq)) == 0)
        return c;
    PQfinish(pq);
    map_free(c->statements);
    free(c);
    return NULL;
}

static void on_poll_closed(uv_handle_t *h)
{
    pg_connection *c = h->data;

    PQfinish(c->pq);
    free(c);
}

void pg_connection_close(pg_connection *c)
{
    const char *sql;
    size_t at = 0;
    void *st;

    while (map_next(c->statements, &at, &sql, &st))
        free(st);
    map_free(c->statements);
    uv_poll_stop(&c->poll);
    uv_close((uv_handle_t *)&c->poll, on_poll_closed);
}

/* The server says nothing to an idle connection, except good-bye. */
bool pg_connection_alive(const pg_connection *c)
{
    struct pollfd p = {.fd = PQsocket(c->pq), .events = POLLIN};

    return !c->broken && PQstatus(c->pq) == CONNECTION_OK && poll(&p, 1, 0) == 0;
}

/* Waiting for the socket. */

typedef struct {
    scope *s;      /* that parks; replaced by `shield` when it ends */
    scope *shield; /* NULL until needed */
    bool shielded;
} pg_patience;

static void on_socket(uv_poll_t *h, int status, int events)
{
    pg_connection *c = h->data;

    (void)status; /* libpq will find out */
    (void)events;
    c->ready = true;
    uv_poll_stop(h);
    fiber_wake(c->waiter);
}

static err wait_socket(pg_patience *p, pg_connection *c, int events)
{
    err e = OK;

    c->ready = false;
    c->waiter = fiber_self();
    if (uv_poll_start(&c->poll, events, on_socket) != 0)
        return ERR_IO;
    while (!c->ready) {
        e = fiber_park(p->shield != NULL ? p->shield : p->s);
        if (e == OK || c->ready)
            continue;
        if (!p->shielded || p->shield != NULL)
            break;
        p->shield = scope_new("database write");
        scope_set_timeout(p->shield, SHIELD_TIME);
    }
    uv_poll_stop(&c->poll);
    return c->ready ? OK : p->shield != NULL ? ERR_IO : e;
}

static err next_result(pg_patience *p, pg_connection *c, PGresult **out)
{
    for (;;) {
        int unsent = PQflush(c->pq);

        if (unsent < 0)
            return ERR_IO;
        if (!PQisBusy(c->pq) && unsent == 0)
            break;
        TRY(wait_socket(p, c, unsent > 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE));
        if (PQconsumeInput(c->pq) != 1)
            return ERR_IO;
    }
    *out = PQgetResult(c->pq);
    return OK;
}

/* Errors. */

static err sqlstate_to_err(const char *state)
{
    static const struct {
        const char *prefix;
        err e;
    } table[] = {
        {"23505", ERR_CONFLICT}, {"23503", ERR_CONFLICT}, {"40001", ERR_BUSY},      {"40P01", ERR_BUSY},
        {"53100", ERR_NO_SPACE}, {"53", ERR_BUSY},        {"55P03", ERR_BUSY},      {"57014", ERR_BUSY},
        {"57P", ERR_BUSY},       {"08P01", ERR_INTERNAL}, {"08", ERR_IO},           {"22021", ERR_INVALID},
        {"22P05", ERR_INVALID},  {"58", ERR_IO},          {"54000", ERR_TOO_LARGE},
    };

    for (size_t i = 0; state != NULL && i < COUNT(table); i++)
        if (cstr_starts(state, table[i].prefix))
            return table[i].e;
    return state == NULL ? ERR_IO : ERR_INTERNAL;
}

static err error_of(pg_connection *c, const PGresult *r, const char *sql)
{
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    err e = sqlstate_to_err(state);

    if (state == NULL || cstr_starts(state, "57P") || cstr_starts(state, "08"))
        c->broken = true; /* the server has closed it, or we are out of step */
    if (e == ERR_INTERNAL || e == ERR_IO) {
        /* Only complaints about the statement itself are shown: others may quote values. */
        bool ours = state != NULL && cstr_starts(state, "42");

        log_error("db.statement", log_str("sql", sql), log_str("sqlstate", state != NULL ? state : "connection"),
                  log_str("reason", ours ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL));
    }
    return e;
}

/* Sending. */

static pg_statement *statement(pg_connection *c, const char *sql)
{
    pg_statement *st = map_get(c->statements, sql);

    if (st != NULL)
        return st;
    st = mem_zalloc(1, sizeof *st);
    snprintf(st->name, sizeof st->name, "s%zu", ++c->n_statements);
    map_put(c->statements, sql, st);
    c->worn = c->n_statements >= STATEMENTS_MAX;
    return st;
}

static Oid oid_of(const db_value *v)
{
    switch (v->kind) {
    case DB_IS_INT:
        return OID_INT8;
    case DB_IS_REAL:
        return OID_FLOAT8;
    case DB_IS_TEXT:
        return OID_TEXT;
    default:
        return 0; /* the server finds out */
    }
}

static bool send_prepare(pg_connection *c, pg_statement *st, const db_step *step)
{
    Oid types[DB_MAX_ARGS];

    for (size_t i = 0; i < step->n; i++)
        types[i] = oid_of(&step->args[i]);
    st->state = SENT;
    return PQsendPrepare(c->pq, st->name, step->sql, (int)step->n, types) == 1;
}

/* Text goes in binary form, which for text is its bytes: no copy to end it with NUL. */
static bool send_step(pg_connection *c, const db_step *step, bool *prepares)
{
    pg_statement *st = statement(c, step->sql);
    const char *values[DB_MAX_ARGS];
    int lengths[DB_MAX_ARGS], formats[DB_MAX_ARGS];
    char numbers[DB_MAX_ARGS][32];

    *prepares = st->state == UNKNOWN;
    if (*prepares && !send_prepare(c, st, step))
        return false;
    for (size_t i = 0; i < step->n; i++) {
        const db_value *v = &step->args[i];

        formats[i] = v->kind == DB_IS_TEXT;
        lengths[i] = v->kind == DB_IS_TEXT ? (int)v->len : 0;
        values[i] = v->kind == DB_IS_TEXT ? v->text : v->kind == DB_IS_NULL ? NULL : numbers[i];
        if (v->kind == DB_IS_INT)
            snprintf(numbers[i], sizeof numbers[i], "%lld", (long long)v->integer);
        else if (v->kind == DB_IS_REAL)
            snprintf(numbers[i], sizeof numbers[i], "%.17g", v->real);
    }
    return PQsendQueryPrepared(c->pq, st->name, (int)step->n, values, lengths, formats, 0) == 1;
}

/* Receiving. */

static bool read_cell(const PGresult *r, int row, int column, db_row_builder *b, db_value *cell)
{
    const char *text = PQgetvalue(r, row, column);
    size_t len = (size_t)PQgetlength(r, row, column);

    *cell = DB_NULL;
    if (PQgetisnull(r, row, column))
        return true;
    switch (PQftype(r, column)) {
    case 16: /* bool */
        *cell = db_int(text[0] == 't');
        return true;
    case 20: /* int8, int2, int4, oid, numeric: sums of integers are numeric */
    case 21:
    case 23:
    case 26:
    case 1700:
        if (str_to_int((str){text, len}, &cell->integer)) {
            cell->kind = DB_IS_INT;
            return true;
        }
        *cell = db_real(strtod(text, NULL));
        return true;
    case 700: /* float4, float8 */
    case 701:
        *cell = db_real(strtod(text, NULL));
        return true;
    default:
        return db_rows_text(b, cell, text, len);
    }
}

static err read_rows(const PGresult *r, pg_answer *out)
{
    db_row_builder b;
    int columns = PQnfields(r);

    if (PQntuples(r) > DB_MAX_ROWS)
        return ERR_TOO_LARGE;
    db_rows_begin(&b, out->arena, (size_t)columns);
    for (int row = 0; row < PQntuples(r); row++) {
        db_value *cells = db_rows_add(&b);

        for (int i = 0; i < columns; i++)
            if (cells == NULL || !read_cell(r, row, i, &b, &cells[i]))
                return ERR_TOO_LARGE;
    }
    db_rows_end(&b, out->rows);
    return OK;
}

static int64_t rows_changed(PGresult *r)
{
    int64_t n = 0;

    if (cstr_starts(PQcmdStatus(r), "SELECT") || !str_to_int(str_of(PQcmdTuples(r)), &n))
        return 0;
    return n;
}

/* One command's result, which is followed by NULL. */
static err take_command(pg_patience *p, pg_connection *c, PGresult **out)
{
    PGresult *end = NULL;

    TRY(next_result(p, c, out));
    if (*out == NULL)
        return ERR_IO;
    for (;;) {
        err e = next_result(p, c, &end);

        if (e != OK || end == NULL)
            return e;
        PQclear(end);
    }
}

static void note_result(pg_connection *c, const db_step *step, PGresult *r, pg_answer *out)
{
    switch (PQresultStatus(r)) {
    case PGRES_PIPELINE_ABORTED: /* because of an earlier one, which said why */
        break;
    case PGRES_TUPLES_OK:
        if (out->result == OK && out->rows != NULL)
            out->result = read_rows(r, out);
        /* fall through */
    case PGRES_COMMAND_OK:
        out->changed = rows_changed(r);
        if (out->result == OK && step->expect >= 0 && out->changed != step->expect)
            out->result = ERR_CONFLICT;
        break;
    default:
        if (out->result == OK)
            out->result = error_of(c, r, step->sql);
    }
}

static err take_step(pg_patience *p, pg_connection *c, const db_step *step, bool prepares, pg_answer *out)
{
    pg_statement *st = statement(c, step->sql);
    PGresult *r = NULL;
    err e = OK;

    if (prepares) {
        e = take_command(p, c, &r);
        st->state = e == OK && PQresultStatus(r) == PGRES_COMMAND_OK ? READY : UNKNOWN;
        if (e == OK && st->state == UNKNOWN && PQresultStatus(r) != PGRES_PIPELINE_ABORTED && out->result == OK)
            out->result = error_of(c, r, step->sql);
        PQclear(r);
        r = NULL;
    }
    if (e == OK)
        e = take_command(p, c, &r);
    if (e == OK)
        note_result(c, step, r, out);
    PQclear(r);
    return e;
}

/* Until the server is in step again.  An error in between is that of the commit. */
static err take_sync(pg_patience *p, pg_connection *c, pg_answer *out)
{
    bool synced = false;

    for (int idle = 0; !synced; idle++) {
        PGresult *r = NULL;

        TRY(next_result(p, c, &r));
        if (idle > 100)
            return ERR_IO;
        if (r == NULL)
            continue;
        synced = PQresultStatus(r) == PGRES_PIPELINE_SYNC;
        if (!synced && out->result == OK)
            out->result = error_of(c, r, "COMMIT");
        PQclear(r);
    }
    return OK;
}

static err send_all(pg_connection *c, const db_step *steps, bool *prepares)
{
    size_t i = 0;

    for (const db_step *st = steps; st != NULL; st = st->next)
        if (!send_step(c, st, &prepares[i++]))
            return ERR_IO;
    return PQpipelineSync(c->pq) == 1 ? OK : ERR_IO;
}

static err take_all(pg_patience *p, pg_connection *c, const db_step *steps, const bool *prepares, pg_answer *out)
{
    size_t i = 0;

    for (const db_step *st = steps; st != NULL; st = st->next)
        TRY(take_step(p, c, st, prepares[i++], out));
    return take_sync(p, c, out);
}

err pg_exchange(scope *s, pg_connection *c, const db_step *steps, bool shielded, pg_answer *out)
{
    pg_patience p = {.s = s, .shielded = shielded};
    bool *prepares;
    size_t n = 0;
    err e;

    for (const db_step *st = steps; st != NULL; st = st->next)
        n++;
    prepares = mem_zalloc(n, sizeof *prepares);
    out->result = OK;
    e = send_all(c, steps, prepares);
    if (e == OK)
        e = take_all(&p, c, steps, prepares, out);
    free(prepares);
    if (e != OK)
        c->broken = true;
    scope_close(p.shield);
    return e != OK ? e : out->result;
}
