// POSIX shared memory and named semaphores: files of /dev/shm.
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
	setvbuf(stdout, 0, _IONBF, 0);
	int f = shm_open("/case-shm", O_CREAT | O_EXCL | O_RDWR, 0600);
	printf("shm_open %d, ftruncate %d\n", f >= 0, ftruncate(f, 4096));
	printf("again %d", shm_open("/case-shm", O_CREAT | O_EXCL | O_RDWR, 0600));
	printf(" %s\n", strerror(errno));
	int *word = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
	sem_t *sem = sem_open("/case-sem", O_CREAT | O_EXCL, 0600, 0);
	printf("sem_open %d\n", sem != SEM_FAILED);
	pid_t child = fork();
	if (!child) {
		int g = shm_open("/case-shm", O_RDWR, 0);
		int *other = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, g, 0);
		*other = 42;
		sem_post(sem);
		_exit(0);
	}
	printf("sem_wait %d", sem_wait(sem));
	printf(": %d\n", *word);
	waitpid(child, 0, 0);
	printf("unlink %d %d\n", shm_unlink("/case-shm"), sem_unlink("/case-sem"));
	printf("gone %d", shm_open("/case-shm", O_RDWR, 0));
	printf(" %s\n", strerror(errno));
}
