/* SPDX-License-Identifier: MIT */
#include "base/fd_pass.h"

#include <string.h>
#include <sys/socket.h>

/* Room for one descriptor. */
typedef union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
} passed_fd;

ssize_t fd_pass(int socket, int fd)
{
    char byte = 0;
    passed_fd room = {{0}};
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = room.bytes, .msg_controllen = sizeof room.bytes};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);

    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    if (fd < 0)
        message.msg_controllen = 0;
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

ssize_t fd_take(int socket, int *fd)
{
    char byte;
    passed_fd room = {{0}};
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = room.bytes, .msg_controllen = sizeof room.bytes};
    const struct cmsghdr *head;
    ssize_t n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);

    *fd = -1;
    head = n == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    if (head != NULL && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
        head->cmsg_len == CMSG_LEN(sizeof *fd))
        memcpy(fd, CMSG_DATA(head), sizeof *fd);
    return n;
}
