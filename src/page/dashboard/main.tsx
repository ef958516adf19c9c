import { render } from 'preact';

render(<h1>Runtime Manager</h1>, document.getElementById('page') ?? document.body);
