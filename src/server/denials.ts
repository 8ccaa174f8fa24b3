/** What Cisco devices say to users whose privilege does not do, or who are not authorized. */
export const PRIVILEGE_DENIED = 'Privilege denied.';

/** What Cisco devices say where a service is turned off. */
export const DISABLED = 'Administratively disabled.';
