/* SPDX-License-Identifier: MIT */
/*
 * Socket addresses as text: "HOST:PORT" to listen on, ranges in CIDR form, and the peer's name.
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <sys/socket.h>

#include "base/str.h"

/* "127.0.0.1:8000", "[::1]:8000", ":8000" (all interfaces); numeric hosts and "localhost" only. */
MUST_USE bool address_parse(const char *text, struct sockaddr_storage *out);
socklen_t address_size(const struct sockaddr_storage *a);
int address_port(const struct sockaddr_storage *a);
void address_set_port(struct sockaddr_storage *a, int port);

typedef struct {
    uint8_t bytes[16]; /* IPv4 in its mapped form */
    unsigned bits;     /* that must be equal */
} address_range;

MUST_USE bool address_range_parse(const char *text, address_range *out);

/* Without port; IPv4 in mapped form becomes plain IPv4. */
void address_text(const struct sockaddr *a, char *out, size_t cap);
MUST_USE bool address_ip_parse(str text, uint8_t bytes[16]);
bool address_in_ranges(const uint8_t bytes[16], const address_range *ranges, size_t n);

#endif
