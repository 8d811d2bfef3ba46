"""Reports: tables for the terminal, one HTML file for the browser. Plotly is imported only when a page is written."""
