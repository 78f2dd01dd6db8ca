/* SPDX-License-Identifier: MIT */
/*
 * Digests, HMAC and RS256 for scripts, by libcrypto.  The algorithms are fetched before the process is enclosed, because libcrypto
 * reads files when it looks for providers.
 */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "script/runner/runner.h"

static struct {
    const char *name, *in_libcrypto;
    EVP_MD *md;
} algorithms[] = {
    {"md5", "MD5", NULL},       {"sha1", "SHA1", NULL},     {"sha256", "SHA256", NULL},
    {"sha384", "SHA384", NULL}, {"sha512", "SHA512", NULL},
};

void digest_init(void)
{
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL);
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        algorithms[i].md = EVP_MD_fetch(NULL, algorithms[i].in_libcrypto, NULL);
}

static const EVP_MD *find(const char *name)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (strcmp(algorithms[i].name, name) == 0)
            return algorithms[i].md;
    return NULL;
}

size_t digest_bytes(const char *name, const void *bytes, size_t n, uint8_t out[DIGEST_MAX])
{
    const EVP_MD *md = find(name);
    unsigned len = 0;

    if (md == NULL || EVP_Digest(bytes, n, out, &len, md, NULL) != 1)
        return 0;
    return len;
}

size_t digest_hmac(const char *name, const void *key, size_t n_key, const void *bytes, size_t n,
                   uint8_t out[DIGEST_MAX])
{
    const EVP_MD *md = find(name);
    unsigned len = 0;

    if (md == NULL || n_key > INT32_MAX || HMAC(md, n_key > 0 ? key : "", (int)n_key, bytes, n, out, &len) == NULL)
        return 0;
    return len;
}

/* A key with a pass phrase is refused: libcrypto would ask for it at a terminal. */
static int no_pass_phrase(char *into, int size, int writing, void *arg)
{
    (void)into;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static bool sign(EVP_PKEY *key, const void *bytes, size_t n, uint8_t **out, size_t *len)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context != NULL && EVP_DigestSignInit(context, NULL, find("sha256"), NULL, key) == 1 &&
                EVP_DigestSign(context, NULL, len, bytes, n) == 1 && (*out = malloc(*len)) != NULL &&
                EVP_DigestSign(context, *out, len, bytes, n) == 1;

    EVP_MD_CTX_free(context);
    return done;
}

const char *digest_sign_rs256(const char *pem, size_t n_pem, const void *bytes, size_t n, uint8_t **out, size_t *len)
{
    BIO *text = n_pem <= 65536 ? BIO_new_mem_buf(pem, (int)n_pem) : NULL;
    EVP_PKEY *key = text != NULL ? PEM_read_bio_PrivateKey(text, NULL, no_pass_phrase, NULL) : NULL;
    const char *problem = NULL;

    if (key == NULL)
        problem = "The key is not a private key in PEM format";
    else if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
        problem = "The key is not an RSA private key";
    else if (!sign(key, bytes, n, out, len))
        problem = "Signing with this key failed";
    EVP_PKEY_free(key);
    BIO_free(text);
    ERR_clear_error();
    return problem;
}
