/* SPDX-License-Identifier: MIT */
/* Secure requests: a server with a certificate of its own, known to the client or not. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/client.h"
#include "test.h"

static EVP_PKEY *key;
static X509 *certificate;

/* Signed by itself, for `name`. */
static void make_certificate(const char *name)
{
    X509_NAME *subject;
    X509_EXTENSION *alternative;
    char text[100];

    key = EVP_EC_gen("P-256");
    certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    snprintf(text, sizeof text, "%s", name);
    alternative = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text);
    X509_add_ext(certificate, alternative, -1);
    X509_EXTENSION_free(alternative);
    CHECK(X509_sign(certificate, key, EVP_sha256()) > 0, "signed");
}

static const char *write_certificate(void)
{
    static char path[300];
    FILE *f;

    snprintf(path, sizeof path, "%s/ca.pem", test_dir());
    CHECK((f = fopen(path, "w")) != NULL && PEM_write_X509(f, certificate) == 1, "%s", path);
    fclose(f);
    return path;
}

static void serve_one(SSL *ssl)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret";
    char request[4096];

    if (SSL_accept(ssl) != 1)
        return;
    while (SSL_read(ssl, request, sizeof request) > 0)
        if (SSL_write(ssl, answer, sizeof answer - 1) <= 0)
            return;
}

static void *serve(void *arg)
{
    int listener = (int)(intptr_t)arg;
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    SSL_CTX_use_certificate(context, certificate);
    SSL_CTX_use_PrivateKey(context, key);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        SSL *ssl = SSL_new(context);

        SSL_set_fd(ssl, fd);
        serve_one(ssl);
        SSL_free(ssl);
        close(fd);
    }
    return NULL;
}

static int start_server(const char *name)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    pthread_t thread;

    signal(SIGPIPE, SIG_IGN);
    make_certificate(name);
    CHECK(bind(fd, (struct sockaddr *)&at, len) == 0 && listen(fd, 16) == 0, "listening");
    CHECK(getsockname(fd, (struct sockaddr *)&at, &len) == 0, "its port");
    CHECK(pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0, "a thread");
    pthread_detach(thread);
    return ntohs(at.sin_port);
}

static err fetch(scope *s, int port, str *body)
{
    http_call call = {.url = arena_printf(s->arena, "https://127.0.0.1:%d/", port), .guard = GUARD_ANY};
    http_head head;

    return http_fetch(s, &call, &head, body);
}

FIBER_TEST(a_server_whose_certificate_is_trusted_is_called)
{
    int port = start_server("IP:127.0.0.1");
    str body;

    setenv("SSL_CERT_FILE", write_certificate(), 1);
    for (int i = 0; i < 3; i++) {
        CHECK(fetch(s, port, &body) == OK, "%s", s->failure.text);
        CHECK_STR(body.p, "secret");
    }
}

FIBER_TEST(a_server_whose_certificate_nobody_knows_is_not)
{
    int port = start_server("IP:127.0.0.1");
    str body;

    unsetenv("SSL_CERT_FILE");
    CHECK_INT(fetch(s, port, &body), ERR_UPSTREAM);
    CHECK(http_last_failure(s) == HTTP_FAIL_TLS, "%s: %s", s->failure.code, s->failure.text);
}

FIBER_TEST(a_certificate_for_another_host_is_not_taken)
{
    int port = start_server("DNS:example.org");
    str body;

    setenv("SSL_CERT_FILE", write_certificate(), 1);
    CHECK_INT(fetch(s, port, &body), ERR_UPSTREAM);
    CHECK(http_last_failure(s) == HTTP_FAIL_TLS, "%s: %s", s->failure.code, s->failure.text);
}
