// Pipes of a user who has much in pipes already are small, and cannot be made larger (pipe(7), pipe-user-pages-soft). As one who is not user 0.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PIPES = 1030 };
static int ends[PIPES][2];

static void set(int pipe, int bytes) {
	int size = fcntl(ends[pipe][0], F_SETPIPE_SZ, bytes);
	printf("%d to %d: %s, %d\n", pipe, bytes, size < 0 ? strerror(errno) : "ok", fcntl(ends[pipe][1], F_GETPIPE_SZ));
}

int main(void) {
	struct rlimit many = {2100, 4096};
	char soft[20];
	int fd = open("/proc/sys/fs/pipe-user-pages-soft", O_RDONLY);
	soft[read(fd, soft, sizeof soft - 1)] = 0;
	close(fd);
	printf("soft %d\n", atoi(soft));
	printf("limit %d\n", setrlimit(RLIMIT_NOFILE, &many));
	int before = 0;
	for (int i = 0; i < PIPES; i++) {
		if (pipe2(ends[i], O_NONBLOCK))
			printf("%d: %s\n", i, strerror(errno));
		int size = fcntl(ends[i][0], F_GETPIPE_SZ);
		if (size != before)
			printf("from %d on: %d\n", i, size);
		before = size;
	}
	char bytes[16384] = "";
	printf("%zd\n", write(ends[0][1], bytes, sizeof bytes));
	printf("%zd\n", write(ends[PIPES - 1][1], bytes, sizeof bytes));
	set(PIPES - 1, 65536);
	set(1, 1 << 17);
	set(1, 4096);
	set(2, 4096);
	set(3, 4096);
	set(PIPES - 1, 65536);
	set(PIPES - 2, 1 << 17);
	set(PIPES - 2, 1 << 20);
	for (int i = 0; i < PIPES / 2; i++) {
		close(ends[i][0]);
		close(ends[i][1]);
	}
	printf("%d\n", pipe(ends[0]));
	printf("%d\n", fcntl(ends[0][0], F_GETPIPE_SZ));
	set(PIPES - 2, 1 << 20);
	set(PIPES - 2, (1 << 20) + 1);
	set(PIPES - 2, 4096);
}
