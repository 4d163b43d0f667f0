export { SOCKET_OPTIONS, SocketTransport } from './socket-transport.js';
