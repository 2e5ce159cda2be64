// Mappings of /dev/zero, and of devices that have none.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static char *map(const char *path, int how, int rights, int flags, long offset) {
	int f = open(path, how);
	errno = 0;
	char *at = mmap(0, 8192, rights, flags, f, offset);
	printf("%s %d %d %d: %s\n", path, how, rights, flags, at == MAP_FAILED ? strerror(errno) : "ok");
	close(f);
	return at;
}
int main(void) {
	setvbuf(stdout, 0, _IONBF, 0);
	char *private = map("/dev/zero", O_RDWR, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
	char *shared = map("/dev/zero", O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	char *other = map("/dev/zero", O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	pid_t child = fork();
	if (!child) {
		private[5] = shared[5] = 7;
		_exit(0);
	}
	waitpid(child, 0, 0);
	printf("%d %d %d\n", private[5], shared[5], other[5]);
	char *reads = map("/dev/zero", O_RDONLY, PROT_READ, MAP_SHARED, 0);
	printf("mprotect %d", mprotect(reads, 8192, PROT_READ | PROT_WRITE));
	printf(" %d\n", errno);
	reads = map("/dev/zero", O_RDONLY, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
	reads[0] = 1;
	map("/dev/zero", O_RDONLY, PROT_WRITE, MAP_SHARED, 0);
	map("/dev/zero", O_WRONLY, PROT_READ, MAP_PRIVATE, 0);
	map("/dev/null", O_RDWR, PROT_READ, MAP_PRIVATE, 0);
	map("/dev/full", O_RDWR, PROT_READ, MAP_PRIVATE, 0);
	map("/dev/urandom", O_RDWR, PROT_READ, MAP_SHARED, 0);
}
