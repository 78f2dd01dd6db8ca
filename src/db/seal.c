/* SPDX-License-Identifier: MIT */
/*
 * Secrets at rest.  The master key never seals anything itself: each purpose has a key derived from it.
 */
#include "db/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define PREFIX "v1:"

enum { MASTER_TEXT_LEAST = 16 };

static unsigned char master[crypto_kdf_KEYBYTES];
static bool ready;

/* A file beside the data: 64 hex digits. */
static err read_key_file(int fd, const char *path, char *why, size_t why_size)
{
    char hex[2 * sizeof master + 1];
    struct stat st;
    ssize_t n;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        snprintf(why, why_size, "%s is not a regular file", path);
        return ERR_INVALID;
    }
    if ((st.st_mode & 077) != 0) {
        snprintf(why, why_size, "%s can be read by others: make it private (chmod 600)", path);
        return ERR_INVALID;
    }
    n = read(fd, hex, sizeof hex);
    if (n < (ssize_t)(2 * sizeof master) || !hex_decode((str){hex, 2 * sizeof master}, master, sizeof master)) {
        snprintf(why, why_size, "%s does not hold a key", path);
        return ERR_INVALID;
    }
    sodium_memzero(hex, sizeof hex);
    return OK;
}

/* What was linked stays linked when the power goes: secrets may be stored elsewhere already that need the key. */
static bool keep_entry(const char *path)
{
    const char *slash = strrchr(path, '/');
    char folder[4096];
    bool kept;
    int fd;

    if (snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - path) + 1 : 1,
                 slash != NULL ? path : ".") >= (int)sizeof folder)
        return false;
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    kept = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL); /* some file systems cannot, and need not */
    if (fd >= 0)
        close(fd);
    return kept;
}

/* Written under another name and linked into place, so that nobody ever sees half a key and the first of two processes wins. */
static err make_key_file(const char *path, char *why, size_t why_size)
{
    char hex[2 * sizeof master + 2], temporary[4096];
    int fd, wrong;

    if (snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)getpid()) >= (int)sizeof temporary)
        return ERR_INVALID;
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        snprintf(why, why_size, "%s: %s", temporary, strerror(errno));
        return errno == ENOSPC ? ERR_NO_SPACE : ERR_IO;
    }
    crypto_kdf_keygen(master);
    hex_encode(master, sizeof master, hex);
    hex[2 * sizeof master] = '\n';
    wrong = write(fd, hex, 2 * sizeof master + 1) != (ssize_t)(2 * sizeof master + 1) || fsync(fd) != 0;
    wrong |= close(fd) != 0;
    if (!wrong && ((link(temporary, path) != 0 && errno != EEXIST) || !keep_entry(path)))
        wrong = 1;
    if (wrong)
        snprintf(why, why_size, "%s: %s", path, strerror(errno));
    unlink(temporary);
    sodium_memzero(hex, sizeof hex);
    return wrong ? ERR_IO : OK;
}

static err load_key_file(const char *path, char *why, size_t why_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    err e;

    if (fd < 0 && errno == ENOENT) {
        TRY(make_key_file(path, why, why_size));
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0) {
        snprintf(why, why_size, "%s: %s", path, strerror(errno));
        return ERR_IO;
    }
    e = read_key_file(fd, path, why, why_size);
    close(fd);
    return e;
}

err seal_setup(const char *env_value, const char *key_file, char *why, size_t why_size)
{
    if (sodium_init() < 0)
        mem_die("libsodium", 0);
    if (env_value == NULL || env_value[0] == '\0') {
        TRY(load_key_file(key_file, why, why_size));
    } else {
        if (strlen(env_value) < MASTER_TEXT_LEAST) {
            snprintf(why, why_size, "the secret key needs at least %d characters", MASTER_TEXT_LEAST);
            return ERR_INVALID;
        }
        crypto_generichash(master, sizeof master, (const unsigned char *)env_value, strlen(env_value), NULL, 0);
    }
    ready = true;
    return OK;
}

void seal_derive(const char *purpose, unsigned char key[32])
{
    unsigned char hash[crypto_generichash_BYTES];
    uint64_t id;

    if (!ready)
        mem_die("the master key before seal_setup()", 0);
    crypto_generichash(hash, sizeof hash, (const unsigned char *)purpose, strlen(purpose), NULL, 0);
    memcpy(&id, hash, sizeof id);
    crypto_kdf_derive_from_key(key, 32, id, "sluice01", master);
}

/* nonce, then the sealed bytes; base64 after the prefix. */
char *seal_text(arena *a, const char *secret)
{
    unsigned char key[crypto_secretbox_KEYBYTES], *box;
    size_t len, box_len, text_len;
    char *out;

    if (secret == NULL)
        return NULL;
    len = strlen(secret);
    box_len = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + len;
    text_len = sodium_base64_ENCODED_LEN(box_len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    box = arena_alloc(a, box_len);
    out = arena_alloc(a, sizeof PREFIX - 1 + text_len);
    seal_derive("seal", key);
    randombytes_buf(box, crypto_secretbox_NONCEBYTES);
    crypto_secretbox_easy(box + crypto_secretbox_NONCEBYTES, (const unsigned char *)secret, len, box, key);
    memcpy(out, PREFIX, sizeof PREFIX - 1);
    sodium_bin2base64(out + sizeof PREFIX - 1, text_len, box, box_len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(key, sizeof key);
    return out;
}

err seal_open(arena *a, const char *sealed, char **secret)
{
    unsigned char key[crypto_secretbox_KEYBYTES], *box;
    size_t most, len;
    char *out;
    int bad;

    if (sealed == NULL) {
        *secret = NULL;
        return OK;
    }
    if (!cstr_starts(sealed, PREFIX))
        return ERR_INVALID;
    sealed += sizeof PREFIX - 1;
    most = strlen(sealed);
    box = arena_alloc(a, most);
    if (sodium_base642bin(box, most, sealed, most, NULL, &len, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        len < crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES)
        return ERR_INVALID;
    len -= crypto_secretbox_NONCEBYTES;
    out = arena_zalloc(a, 1, len - crypto_secretbox_MACBYTES + 1);
    seal_derive("seal", key);
    bad = crypto_secretbox_open_easy((unsigned char *)out, box + crypto_secretbox_NONCEBYTES, len, box, key);
    sodium_memzero(key, sizeof key);
    if (bad)
        return ERR_INVALID;
    *secret = out;
    return OK;
}
