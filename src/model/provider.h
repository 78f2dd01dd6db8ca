/* SPDX-License-Identifier: MIT */
/*
 * Providers (where models are reached) and the models they serve.
 *
 * A provider owns models.  A face that knows flat providers shows one entry per served model (served_model): such an entry's
 * id is the model's id, and where it was made in one piece the provider has the same id.
 */
#ifndef MODEL_PROVIDER_H
#define MODEL_PROVIDER_H

#include "base/json.h"
#include "model/owned.h"
#include "rt/scope.h"

typedef struct {
    const char *id;       /* UUID */
    const char *owner_id; /* NULL: the system's, usable by everybody */
    const char *name;
    const char *requester;   /* how it is spoken to: "openai-chat-completions", "anthropic-messages", "demo" … */
    const char *base_url;    /* without a trailing slash */
    const char *sealed_keys; /* provider_seal_keys(); NULL: none */
    const char *extra;       /* JSON object of what only one face knows; NULL: {} */
    bool is_default;         /* at most one per owner, and one of the system */
    int64_t created_at, updated_at;
} provider_row;

typedef enum { MODEL_LLM, MODEL_EMBEDDING, MODEL_RERANK } model_kind;

typedef struct {
    const char *id; /* UUID */
    const char *provider_id;
    const char *name; /* as sent to the provider */
    model_kind kind;
    const char *abilities;  /* JSON array: "vision", "func_call", "reasoning", "structured_output" …; NULL: [] */
    const char *extra_args; /* JSON object merged over requests: temperature, top_p, max_tokens …; NULL: {} */
    const char *reasoning;  /* JSON object {"level"}; NULL: none */
    int64_t context_length; /* in tokens; 0: unknown */
    int64_t ranking;
    int64_t created_at, updated_at;
} model_row;

typedef struct {
    provider_row provider;
    model_row model;
} served_model;

/* Which rows: the owner's, and the system's as well when asked for. */
typedef struct {
    owned_by who;
    bool with_system;
} provider_scope;

const char *model_kind_name(model_kind k); /* "llm", "embedding", "rerank" */
MUST_USE bool model_kind_of(const char *name, model_kind *out);
bool model_has_ability(const model_row *m, const char *ability);

/* A list of keys, sealed for the table; NULL for none.  Opening gives clear text: keep it out of logs and errors.
 * ERR_INVALID, code "provider.keys_unreadable", when the master key is not the one they were sealed with. */
char *provider_seal_keys(arena *a, const char *const *keys, size_t n);
MUST_USE err provider_open_keys(scope *s, const provider_row *p, const char ***out, size_t *n);

enum { PROVIDER_KEYS_MAX = 100 };

typedef struct {
    const char **list;
    size_t n;
    bool kept; /* they are the stored ones, all of them */
} provider_keys;

/* The keys that somebody means who sends `sent`, a list of texts or one text: trimmed, without blanks and repetitions.  A
 * key as it is shown (masked) is the stored one at its place, and alone it stands for all of `stored` (may be NULL).
 * ERR_INVALID, codes "provider.keys_invalid", "provider.key_lines", "provider.mask_unknown". */
MUST_USE err provider_take_keys(scope *s, const json_t *sent, const provider_row *stored, provider_keys *out);

/* How a key is shown to its owner: both ends, or nothing of a short one. */
char *provider_mask_key(arena *a, const char *key);

/* Without white space around it and slashes at its end; and its host with the port, for names. */
char *provider_clean_url(arena *a, const char *url);
char *provider_host(arena *a, const char *url);

/* Fill ids (when NULL) and times.  is_default takes the flag from the owner's other providers. */
MUST_USE err provider_insert(scope *s, provider_row *p);
MUST_USE err model_insert(scope *s, owned_by who,
                          model_row *m); /* ERR_NOT_FOUND (code "provider.not_found"): no such provider of theirs */
MUST_USE err served_insert(scope *s, served_model *sm); /* both at once; the ids become equal unless given */

/* ERR_NOT_FOUND, code "provider.not_found" or "model.not_found". */
MUST_USE err provider_find(scope *s, provider_scope sc, const char *id, provider_row **out);
MUST_USE err provider_find_by_name(scope *s, provider_scope sc, const char *name,
                                   provider_row **out); /* own one first */
MUST_USE err model_find(scope *s, provider_scope sc, const char *id, served_model **out);

/* A flat entry: by the model's id, else by the provider's (its first LLM). */
MUST_USE err served_find(scope *s, provider_scope sc, const char *id, served_model **out);
/* As it was a moment ago: not for changing it. */
MUST_USE err served_recall(scope *s, provider_scope sc, const char *id, served_model **out);

/* By the model's name, at the provider of that name (or requester; NULL: any).  Own ones first, then the system's, then those
 * of others; of several the oldest. */
MUST_USE err served_find_by_name(scope *s, provider_scope sc, const char *provider_name, const char *model_name,
                                 model_kind kind, served_model **out);

/* The LLM used when nothing is chosen: with `prefer_own` the user's default, else his oldest; then the system's.  As it was a
 * moment ago. */
MUST_USE err served_default(scope *s, const char *user_id, bool prefer_own, served_model **out);

/* An LLM entry of this owner (NULL: the system) with the same address, model (NULL: any) and set of keys. */
MUST_USE err served_find_same(scope *s, const char *owner_id, const char *requester, const char *base_url,
                              const char *model_name, const char *const *keys, size_t n_keys, served_model **out);

/* The same for a provider alone, with or without models. */
MUST_USE err provider_find_same(scope *s, const char *owner_id, const char *requester, const char *base_url,
                                const char *const *keys, size_t n_keys, provider_row **out);

/* Providers by age, oldest first; served models newest provider first. */
MUST_USE err provider_list(scope *s, provider_scope sc, page p, provider_row **out, size_t *n, int64_t *total);
MUST_USE err served_list(scope *s, provider_scope sc, model_kind kind, const char *provider_id, page p,
                         served_model **out, size_t *n, int64_t *total); /* provider_id NULL: of all */

typedef struct {
    const char *provider_id;
    int64_t llm, embedding, rerank;
} provider_counts;
MUST_USE err provider_count_models(scope *s, provider_scope sc, provider_counts **out,
                                   size_t *n); /* those with models */

/* Write all but id, owner and creation time.  ERR_CONFLICT, code "provider.changed" or "model.changed", when the row is not
 * as it was read. */
MUST_USE err provider_update(scope *s, owned_by who, provider_row *p);
MUST_USE err model_update(scope *s, owned_by who, model_row *m);
MUST_USE err served_update(scope *s, owned_by who, served_model *sm);

/* Read, edit and write one of theirs (by the model's id the latter two; model_change() writes the model only), and undo nothing
 * that others change meanwhile: then `edit` is called again, with the row as it is by then.  Texts that it sets live in its
 * scope, or as long as the caller's. */
typedef err (*provider_edit)(scope *s, provider_row *p, void *arg);
typedef err (*served_edit)(scope *s, served_model *sm, void *arg);
MUST_USE err provider_change(scope *s, owned_by who, const char *id, provider_edit edit, void *arg);
MUST_USE err model_change(scope *s, owned_by who, const char *id, served_edit edit, void *arg);
MUST_USE err served_change(scope *s, owned_by who, const char *id, served_edit edit, void *arg);

/* ERR_CONFLICT, code "provider.in_use", while it has models. */
MUST_USE err provider_delete(scope *s, owned_by who, const char *id);
MUST_USE err model_delete(scope *s, owned_by who, const char *id);
MUST_USE err served_delete(scope *s, owned_by who,
                           const char *id); /* the model, and the provider when that was its last */

/* The default provider from the configuration: makes or overwrites the system's default.  At start. */
MUST_USE err served_set_system_default(scope *s, served_model *sm);

#endif
