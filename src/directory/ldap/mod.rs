//! Reading people from an LDAP server.

mod budget;
mod connect;
mod decode;
mod failure;
mod filter;
mod page;
mod search;
mod tls;
mod url;
