/* SPDX-License-Identifier: MIT */
/* sluice version: of the program, and with --all of the libraries it runs with. */
#include <curl/curl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "cli/cli.h"

static int run(const cli_args *args)
{
    printf("sluice %s\n", SLUICE_VERSION);
    if (cli_get(args, "all") == NULL)
        return EXIT_SUCCESS;
    printf("libuv %s\n", uv_version_string());
    printf("%s\n", curl_version());
    printf("jansson %s\n", jansson_version_str());
    printf("SQLite %s\n", sqlite3_libversion());
    printf("libsodium %s\n", sodium_version_string());
    printf("%s\n", OpenSSL_version(OPENSSL_VERSION));
    return EXIT_SUCCESS;
}

static const cli_option options[] = {{.name = "all", .text = "And of the libraries it runs with"}};

const cli_command cli_version = {
    .name = "version", .summary = "Print the version", .options = options, .n_options = COUNT(options), .run = run};
