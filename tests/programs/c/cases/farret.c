// A far return of a program, whose stack QEMU reads as if by the kernel: it ends with SIGSEGV, and can be killed.
#include <stdio.h>
#include <unistd.h>
#include <signal.h>
#include <sys/wait.h>
#include <stdlib.h>
int main(int n,char**a){ long sel=n>1?strtol(a[1],0,0):8; pid_t c=fork(); if(!c){ asm volatile("push %0; push $0; lretq"::"r"(sel)); _exit(0);} int s; for(int i=0;i<20;i++){ usleep(100000); if(waitpid(c,&s,WNOHANG)==c){ printf("status %x\n",s); return 0; } } puts("spins"); kill(c,SIGKILL); waitpid(c,&s,0); printf("status %x\n",s); return 0; }
