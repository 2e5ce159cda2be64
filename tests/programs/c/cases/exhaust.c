// Memory is exhausted in the ways that the arguments name, each by a child of its own. The child ends, whatever it is that has filled the
// memory; a witness that only wants its own pages, and the first process, go on.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 256

static volatile uint64_t *stop;

static void hog(const char *way) {
	if (!strcmp(way, "pages"))
		for (;;) {
			char *p = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (p == MAP_FAILED)
				return;
			memset(p, 1, 1 << 20);
		}
	if (!strcmp(way, "tables")) {
		size_t all = 1ul << 44;
		char *p = mmap(0, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		for (size_t at = 0; p != MAP_FAILED && at < all; at += 1 << 21)
			*(volatile char *)(p + at);
		return;
	}
	struct rlimit many = {60000, 60000};
	setrlimit(RLIMIT_NOFILE, &many);
	static char bytes[65536];
	if (!strcmp(way, "pipes"))
		for (int ends[2]; !pipe2(ends, O_NONBLOCK);)
			if (write(ends[1], bytes, sizeof bytes) < 0 && errno != EAGAIN)
				return;
	if (!strcmp(way, "mapped")) {
		// The file outlives who maps it: as on Linux's tmpfs a page too many is SIGBUS.
		int fd = open("/tmp/mapped", O_CREAT | O_RDWR, 0600);
		size_t all = 1ul << 32;
		if (ftruncate(fd, all))
			return;
		char *p = mmap(0, all, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		for (size_t at = 0; p != MAP_FAILED && at < all; at += 4096)
			p[at] = 1;
	}
	if (!strcmp(way, "memfds"))
		for (int fd; (fd = memfd_create("m", 0)) >= 0;)
			for (int i = 0; i < 8; i++)
				if (write(fd, bytes, sizeof bytes) <= 0)
					return;
}

static int witness(void) {
	uint64_t *p = mmap(0, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (uint64_t round = 0; !*stop; round++) {
		for (int i = 0; i < PAGES; i++) {
			if (round && p[i * 512] != i + round)
				return 1;
			p[i * 512] = i + round + 1;
		}
		usleep(10000);
	}
	return 5;
}

int main(int argc, char **argv) {
	stop = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 1; i < argc; i++) {
		int status;
		*stop = 0;
		pid_t other = fork();
		if (!other)
			_exit(witness());
		usleep(50000);
		pid_t child = fork();
		if (!child) {
			hog(argv[i]);
			_exit(0);
		}
		int ended = waitpid(child, &status, 0) == child;
		*stop = 1;
		waitpid(other, &status, 0);
		unlink("/tmp/mapped");
		printf("%s: %s, witness %s\n", argv[i], ended ? "ended" : "lost", status == 5 << 8 ? "fine" : "gone");
		fflush(stdout);
	}
}
