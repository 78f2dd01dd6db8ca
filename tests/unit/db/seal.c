/* SPDX-License-Identifier: MIT */
/* Tests of db/seal.c. */
#include "db/seal.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "test.h"

static const char *key_path(void)
{
    static char path[300];

    snprintf(path, sizeof path, "%s/secret.key", test_dir());
    return path;
}

static void setup(const char *value)
{
    char why[256] = "";

    CHECK(seal_setup(value, key_path(), why, sizeof why) == OK, "%s", why);
}

TEST(what_is_sealed_opens_again)
{
    static const char *const secrets[] = {"sk-123", "", "ключ 鍵 \n\t",
                                          "a very long one ........................................"};
    arena *a = arena_new(NULL);
    char *out;

    setup("a master key of some length");
    for (size_t i = 0; i < COUNT(secrets); i++) {
        char *sealed = seal_text(a, secrets[i]);

        CHECK(secrets[i][0] == '\0' || strstr(sealed, secrets[i]) == NULL, "not readable");
        CHECK(strcmp(sealed, seal_text(a, secrets[i])) != 0, "never the same twice");
        out = NULL;
        CHECK_INT(seal_open(a, sealed, &out), OK);
        CHECK_STR(out, secrets[i]);
    }
    CHECK(seal_text(a, NULL) == NULL, "NULL gives NULL");
    CHECK_INT(seal_open(a, NULL, &out), OK);
    CHECK_STR(out, NULL);
    arena_free(a);
}

TEST(what_was_changed_does_not_open)
{
    arena *a = arena_new(NULL);
    char *sealed, *out = NULL;

    setup("a master key of some length");
    sealed = seal_text(a, "sk-123456");
    for (size_t i = 0; sealed[i] != '\0'; i++) {
        char *bent = arena_strdup(a, sealed);

        bent[i] = bent[i] == 'A' ? 'B' : 'A';
        CHECK(seal_open(a, bent, &out) == ERR_INVALID, "character %zu of %s", i, sealed);
    }
    for (size_t i = 0; i < strlen(sealed); i++)
        CHECK(seal_open(a, arena_strndup(a, sealed, i), &out) == ERR_INVALID, "cut at %zu", i);
    CHECK_INT(seal_open(a, "not sealed", &out), ERR_INVALID);
    CHECK(out == NULL, "untouched");
    arena_free(a);
}

TEST(another_master_key_opens_nothing)
{
    arena *a = arena_new(NULL);
    char *sealed, *out = NULL;

    setup("a master key of some length");
    sealed = seal_text(a, "sk-123456");
    setup("another key of some length");
    CHECK_INT(seal_open(a, sealed, &out), ERR_INVALID);
    setup("a master key of some length");
    CHECK_INT(seal_open(a, sealed, &out), OK);
    CHECK_STR(out, "sk-123456");
    arena_free(a);
}

TEST(the_key_file_is_made_private_and_stays_the_same)
{
    unsigned char first[32], second[32], other[32];
    struct stat st;

    setup(NULL);
    seal_derive("jwt", first);
    CHECK(stat(key_path(), &st) == 0 && (st.st_mode & 0777) == 0600, "mode %o", st.st_mode & 0777u);
    setup("");
    seal_derive("jwt", second);
    seal_derive("csrf", other);
    CHECK(memcmp(first, second, sizeof first) == 0, "the same file, the same keys");
    CHECK(memcmp(first, other, sizeof first) != 0, "another purpose, another key");
}

TEST(a_key_file_that_others_can_read_is_refused)
{
    char why[256] = "";

    setup(NULL);
    CHECK(chmod(key_path(), 0640) == 0, "chmod");
    CHECK_INT(seal_setup(NULL, key_path(), why, sizeof why), ERR_INVALID);
    CHECK(strstr(why, "chmod 600") != NULL, "%s", why);
}

TEST(a_file_without_a_key_or_a_short_key_is_refused)
{
    char why[256] = "";
    FILE *f = fopen(key_path(), "w");

    fputs("too short\n", f);
    fclose(f);
    chmod(key_path(), 0600);
    CHECK_INT(seal_setup(NULL, key_path(), why, sizeof why), ERR_INVALID);
    CHECK_INT(seal_setup("15 characters..", key_path(), why, sizeof why), ERR_INVALID);
    CHECK_INT(seal_setup(NULL, "/nowhere/at/all/key", why, sizeof why), ERR_IO);
    setup("16 characters...");
}
