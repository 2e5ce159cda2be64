// ppoll with a signal mask, of memory that is still on its way: the mask before it comes back
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <signal.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
int main(){
  size_t n=16<<20; char*b=mmap(0,n,3,MAP_PRIVATE|MAP_ANONYMOUS,-1,0); memset(b,0,n);
  struct pollfd*pf=(void*)(b+(8<<20)); pf->fd=-1;
  unsigned long mask=1ul<<(SIGUSR1-1), before=0, after=0; struct timespec ts={0,0};
  syscall(14,0,0,&before,8);
  syscall(4097,0,1,0);
  long r=syscall(271,pf,1,&ts,&mask,8);
  syscall(14,0,0,&after,8);
  printf("ppoll=%ld mask before %lx after %lx -> %s\n",r,before,after,before==after?"ok":"CORRUPTED"); return before!=after;
}
