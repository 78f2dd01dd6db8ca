/* SPDX-License-Identifier: MIT */
/* Users; see user.h. */
#include "model/user.h"

#include "base/clock.h"
#include "base/id.h"
#include "model/recall.h"

#define COLUMNS                                                                                                        \
    "id, username, email, nickname, phone, avatar_url, role, password_hash, extra, active, revision, created_at, "     \
    "updated_at, last_login_at"

static void read_user(const db_rows *rows, size_t at, user_row *u)
{
    row_reader r = {rows, at, 0};

    u->id = take_text(&r);
    u->username = take_text(&r);
    u->email = take_text(&r);
    u->nickname = take_text(&r);
    u->phone = take_text(&r);
    u->avatar_url = take_text(&r);
    u->role = take_text(&r);
    u->password_hash = take_text(&r);
    u->extra = take_text(&r);
    u->active = take_bool(&r);
    u->revision = take_int(&r);
    u->created_at = take_int(&r);
    u->updated_at = take_int(&r);
    u->last_login_at = take_int(&r);
}

bool user_is_admin(const user_row *u)
{
    return u != NULL && cstr_eq(u->role, "admin");
}

/* By which an address is found: trimmed, ASCII letters lower.  NULL for a blank one. */
static const char *email_key(arena *a, const char *email)
{
    char *key = str_dup(a, str_trim(str_of(email)));

    for (char *p = key; *p != '\0'; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + 'a' - 'A');
    return key[0] != '\0' ? key : NULL;
}

static err give_user(scope *s, const char *key, const db_rows *r, user_row **out)
{
    if (r->count == 0)
        return model_missing(s, "user.not_found", "user", key);
    *out = arena_one(s->arena, user_row);
    read_user(r, 0, *out);
    return OK;
}

static err one_user(scope *s, const char *sql, const char *key, user_row **out)
{
    db_rows r;

    TRY(db_query(s, sql, DB_ARGS(db_text(key)), &r));
    return give_user(s, key, &r, out);
}

#define FIND "SELECT " COLUMNS " FROM users WHERE id = $1"

err user_find(scope *s, const char *id, user_row **out)
{
    return one_user(s, FIND, id, out);
}

err user_recall(scope *s, const char *id, user_row **out)
{
    db_rows r;

    TRY(model_recall(s, VERSION_USERS, false, FIND, DB_ARGS(db_text(id)), &r));
    return give_user(s, id, &r, out);
}

err user_find_by_username(scope *s, const char *username, user_row **out)
{
    return one_user(s, "SELECT " COLUMNS " FROM users WHERE username = $1", username, out);
}

err user_find_by_email(scope *s, const char *email, user_row **out)
{
    return one_user(s, "SELECT " COLUMNS " FROM users WHERE email_key = $1", email_key(s->arena, email), out);
}

err user_find_by_login(scope *s, const char *text, user_row **out)
{
    err e = user_find_by_username(s, text, out);

    if (e == ERR_NOT_FOUND && text != NULL && strchr(text, '@') != NULL)
        e = user_find_by_email(s, text, out);
    return e;
}

/* Which of the unique columns was it? */
static err explain_conflict(scope *s, const user_row *u)
{
    user_row *other = NULL;

    if (user_find_by_username(s, u->username, &other) == OK && !cstr_eq(other->id, u->id))
        return fail_code(s, ERR_CONFLICT, "user.username_exists", u->username, "there is a user named %s already",
                         u->username);
    if (user_find_by_email(s, u->email, &other) == OK && !cstr_eq(other->id, u->id))
        return fail_code(s, ERR_CONFLICT, "user.email_exists", u->email, "there is a user with the address %s already",
                         u->email);
    return fail_code(s, ERR_CONFLICT, "user.exists", u->id, "there is such a user already");
}

static err check_user(scope *s, const user_row *u)
{
    TRY(model_check_key(s, "the user name", u->username));
    return model_check_key(s, "the e-mail address", u->email);
}

static void fill_user(scope *s, user_row *u)
{
    if (u->id == NULL)
        u->id = id_uuid4_hex(s->arena);
    if (u->role == NULL)
        u->role = "user";
    if (u->extra == NULL)
        u->extra = "{}";
    u->created_at = u->updated_at = clock_wall();
}

#define INSERT "INSERT INTO users (" COLUMNS ", email_key) "
#define VALUES "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15"

static err insert_user(scope *s, const char *sql, user_row *u)
{
    db_batch *b = db_batch_new(s->arena);

    TRY(check_user(s, u));
    fill_user(s, u);
    db_batch_expect(b, 1, sql,
                    DB_ARGS(db_text(u->id), db_text(u->username), db_text(u->email), db_text(u->nickname),
                            db_text(u->phone), db_text(u->avatar_url), db_text(u->role), db_text(u->password_hash),
                            db_text(u->extra), db_int(u->active), db_int(u->revision), db_int(u->created_at),
                            db_int(u->updated_at), db_int(u->last_login_at), db_text(email_key(s->arena, u->email))));
    TRY(db_batch_run(s, b));
    version_bump(VERSION_USERS);
    return OK;
}

err user_insert(scope *s, user_row *u)
{
    err e = insert_user(s, INSERT "VALUES (" VALUES ")", u);

    return e == ERR_CONFLICT ? explain_conflict(s, u) : e;
}

err user_insert_first(scope *s, user_row *u)
{
    err e = insert_user(s, INSERT "SELECT " VALUES " WHERE NOT EXISTS (SELECT 1 FROM users)", u);

    if (e == ERR_CONFLICT)
        return fail_code(s, e, "user.not_first", NULL, "there are users already");
    return e;
}

err user_count(scope *s, int64_t *out)
{
    return model_count(s, "SELECT COUNT(*) FROM users", DB_NO_ARGS, out);
}

static err give_users(scope *s, const db_rows *r, user_row **out, size_t *n)
{
    *out = arena_array(s->arena, user_row, r->count);
    *n = r->count;
    for (size_t i = 0; i < r->count; i++)
        read_user(r, i, &(*out)[i]);
    return OK;
}

#define FOUND "(lower(username) LIKE lower($1) ESCAPE '\\' OR lower(email) LIKE lower($1) ESCAPE '\\')"

err user_list(scope *s, const char *search, page p, user_row **out, size_t *n, int64_t *total)
{
    const char *like = like_anywhere(s->arena, search);
    db_rows r;

    if (total != NULL)
        TRY(model_count(s, "SELECT COUNT(*) FROM users WHERE " FOUND, DB_ARGS(db_text(like)), total));
    TRY(db_query(s, "SELECT " COLUMNS " FROM users WHERE " FOUND " ORDER BY created_at DESC, id LIMIT $2 OFFSET $3",
                 DB_ARGS(db_text(like), PAGE(p)), &r));
    return give_users(s, &r, out, n);
}

err user_list_names(scope *s, page p, user_row **out, size_t *n)
{
    db_rows r;

    TRY(db_query(s, "SELECT " COLUMNS " FROM users ORDER BY username LIMIT $1 OFFSET $2", DB_ARGS(PAGE(p)), &r));
    return give_users(s, &r, out, n);
}

err user_update(scope *s, user_row *u)
{
    err e;

    TRY(check_user(s, u));
    u->updated_at = clock_wall();
    e = model_exec_one(
        s, "user.not_found", "user", u->id,
        "UPDATE users SET username = $2, email = $3, nickname = $4, phone = $5, avatar_url = $6, role = $7,"
        " extra = $8, active = $9, updated_at = $10, email_key = $11 WHERE id = $1",
        DB_ARGS(db_text(u->id), db_text(u->username), db_text(u->email), db_text(u->nickname), db_text(u->phone),
                db_text(u->avatar_url), db_text(text_or(u->role, "user")), db_text(text_or(u->extra, "{}")),
                db_int(u->active), db_int(u->updated_at), db_text(email_key(s->arena, u->email))));
    version_bump(VERSION_USERS);
    return e == ERR_CONFLICT ? explain_conflict(s, u) : e;
}

err user_set_password(scope *s, const char *id, const char *password_hash, const char *keep_session)
{
    db_batch *b = db_batch_new(s->arena);
    err e;

    db_batch_expect(b, 1, "UPDATE users SET password_hash = $2, revision = revision + 1, updated_at = $3 WHERE id = $1",
                    DB_ARGS(db_text(id), db_text(password_hash), db_int(clock_wall())));
    db_batch_add(b, "DELETE FROM web_session WHERE user_id = $1 AND id_hash <> $2",
                 DB_ARGS(db_text(id), db_text(text_or(keep_session, ""))));
    e = db_batch_run(s, b);
    version_bump(VERSION_USERS);
    version_bump(VERSION_SESSIONS);
    return e == ERR_CONFLICT ? model_missing(s, "user.not_found", "user", id) : e;
}

err user_set_login_time(scope *s, const char *id, int64_t when)
{
    return model_exec_one(s, "user.not_found", "user", id, "UPDATE users SET last_login_at = $2 WHERE id = $1",
                          DB_ARGS(db_text(id), db_int(when)));
}

err user_delete(scope *s, const char *id)
{
    db_batch *b = db_batch_new(s->arena);
    err e;

    db_batch_add(b, "DELETE FROM user_config WHERE user_id = $1", DB_ARGS(db_text(id)));
    db_batch_add(b, "DELETE FROM agent_user WHERE user_id = $1", DB_ARGS(db_text(id)));
    db_batch_expect(b, 1, "DELETE FROM users WHERE id = $1", DB_ARGS(db_text(id))); /* sessions and keys go with it */
    e = db_batch_run(s, b);
    version_bump(VERSION_USERS);
    version_bump(VERSION_SESSIONS);
    version_bump(VERSION_KEYS);
    version_bump(VERSION_AGENTS);
    return e == ERR_CONFLICT ? model_missing(s, "user.not_found", "user", id) : e;
}

err user_config_get(scope *s, const char *user_id, const char **out)
{
    db_rows r;

    TRY(db_query(s, "SELECT config FROM user_config WHERE user_id = $1", DB_ARGS(db_text(user_id)), &r));
    *out = r.count > 0 ? db_row_text(&r, 0, 0) : "{}";
    return OK;
}

err user_config_set(scope *s, const char *user_id, const char *json)
{
    TRY(model_check_key(s, "the user id", user_id));
    return db_exec(s,
                   "INSERT INTO user_config (user_id, config, updated_at) VALUES ($1, $2, $3) ON CONFLICT (user_id)"
                   " DO UPDATE SET config = excluded.config, updated_at = excluded.updated_at",
                   DB_ARGS(db_text(user_id), db_text(json), db_int(clock_wall())), NULL);
}
