// What cases share that run copies of themselves as other users, or as set-id programs.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// Copies this program to a new file of this mode.
static void copy(const char *to, int mode) {
    char block[4096];
    int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    for (long n; (n = read(in, block, sizeof block)) > 0;)
        if (write(out, block, n) != n) exit(1);
    fchmod(out, mode);
    close(in);
    close(out);
}
