/*
 * agent: the delivery agent role; see agent.c, and agents.h for its callers' side.
 */
#ifndef LETTERBOX_SERVICE_AGENT_H
#define LETTERBOX_SERVICE_AGENT_H

/* The entry point of the role "agent" (applets.def). */
int agent_main(int argc, char **argv);

#endif
